"""Objects by what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.adapters.importing import MALFORMED, Body, Meaning, Scene, key_of
from reconciler.adapters.leaves import section
from reconciler.adapters.protocols import workload_ports
from reconciler.adapters.smi.kinds import HTTP_ROUTE_GROUP, TCP_ROUTE, TRAFFIC_SPLIT, TRAFFIC_TARGET
from reconciler.adapters.smi.meaning.access import Account, Target, callers, read
from reconciler.adapters.smi.meaning.shares import shared, shares
from reconciler.model.canonical import plain
from reconciler.model.refs import ObjectKey

Said = tuple[str, Any, tuple[ObjectKey, ...]]
_PARTS = (HTTP_ROUTE_GROUP.kind.kind, TCP_ROUTE.kind.kind)


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    """What TrafficTargets refer to is said with them. An object that is not of the form of its kind means what is
    written, and so do the parts that such a one may refer to."""
    known = {key_of(body): body for body in bodies}
    found: dict[str, Meaning] = {}
    for about, content, keys in _said(known, scene):
        held = found.get(about)
        several = {"several": [held.content, plain(content)]} if held else plain(content)
        found[about] = Meaning(about, several, (*(held.objects if held else ()), *keys))
    return dict(sorted(found.items()))


def _said(known: Mapping[ObjectKey, Body], scene: Scene) -> Iterator[Said]:
    targets, odd = _targets(known, scene)
    for account, several in sorted(targets.items()):
        keys = sorted({key for key, target in several} | {part for _, target in several for part in target.parts})
        ports = opened(account, scene)
        yield (
            f"callers of account {'/'.join(account)}",
            callers([target for _, target in several], ports, scene),
            tuple(keys),
        )
    said = {part for several in targets.values() for _, target in several for part in target.parts}
    for key, body in sorted(known.items()):
        if key.kind == TRAFFIC_TARGET.kind.kind and key not in odd:
            continue
        if key.kind in _PARTS and (key in said or not (odd or _is_matched(key, known))):
            continue  # with nobody who refers to it, it does nothing
        yield _other(body, scene)


def _is_matched(key: ObjectKey, known: Mapping[ObjectKey, Body]) -> bool:
    """Whether shares of some requests may refer to it."""
    splits = (body for one, body in known.items() if one.kind == TRAFFIC_SPLIT.kind.kind)
    return any(section(body, "spec").get("matches") for body in splits if key_of(body).namespace == key.namespace)


def _targets(
    known: Mapping[ObjectKey, Body], scene: Scene
) -> tuple[dict[Account, list[tuple[ObjectKey, Target]]], set[ObjectKey]]:
    """By account, and those that cannot be read."""
    found: dict[Account, list[tuple[ObjectKey, Target]]] = {}
    odd = set()
    for key, body in sorted(known.items()):
        if key.kind == TRAFFIC_TARGET.kind.kind:
            try:
                target = read(body, known, scene)
                found.setdefault(target.account, []).append((key, target))
            except MALFORMED:
                odd.add(key)
    return found, odd


def opened(account: Account, scene: Scene) -> frozenset[int]:
    """The ports on which the workloads of an account are called, as their Services have them."""
    cluster = scene.cluster
    behind = cluster.workloads_under(*account)
    chosen = (
        (one, cluster.workloads_with(one.ref.namespace, one.selector)) for one in cluster.services if one.selector
    )
    services = [one for one, pods in chosen if any(pod in behind for pod in pods)]
    return frozenset(n for one in services for port in one.ports for n in workload_ports(port, one, cluster))


def _other(body: Body, scene: Scene) -> Said:
    key = key_of(body)
    spec: Any = body.get("spec")
    about, content = str(key), {"spec": spec}
    try:
        if key.kind == TRAFFIC_SPLIT.kind.kind and spec.keys() <= {"service", "backends", "matches"}:
            about, content = _shares(body, scene)
        elif key.kind == "UpstreamTrafficSetting":
            about, content = f"settings of host {spec['host']}", spec
        elif key.kind == "CircuitBreaker":
            to = spec["destination"]
            about = f"breaker of {to['kind']} {to['namespace']}/{to['name']}"
    except MALFORMED:
        about, content = str(key), {"spec": spec}
    return about, content, (key,)


def _shares(body: Body, scene: Scene) -> tuple[str, Any]:
    name, namespace = shared(body, scene)
    if body["spec"].get("matches") or any(one.keys() - {"service", "weight"} for one in body["spec"]["backends"]):
        return str(key_of(body)), {"spec": body["spec"]}
    return f"shares of {namespace}/{name}", {to: str(share) for to, share in shares(body).items()}
