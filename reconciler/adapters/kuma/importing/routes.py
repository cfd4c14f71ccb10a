"""MeshHTTPRoute and MeshTCPRoute as TrafficPolicies: one for each rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named
from reconciler.adapters.kuma.importing.parts import TYPE
from reconciler.adapters.kuma.meaning.routes import KINDS, Sent, is_plain, sent
from reconciler.adapters.leaves import section
from reconciler.adapters.protocols import Speech, speech
from reconciler.adapters.raw import mappings
from reconciler.adapters.standard.importing.policies import EVERY, Asked, policies
from reconciler.adapters.standard.importing.requests import matches
from reconciler.adapters.standard.importing.rules import rule
from reconciler.adapters.standard.meaning.merged import ANY
from reconciler.adapters.standard.meaning.parents import Bound
from reconciler.model.canonical import encode


def reader(bodies: Iterable[Body]) -> Callable[[Body, Scene], Draft]:
    """Reads one of ``bodies``, others of which may be about a route by its name."""
    about = {name: str(key_of(body)) for body in bodies for name in _referred(body)}
    return lambda body, scene: _routes(body, about.get(key_of(body).name, ""), scene)


def _referred(body: Body) -> Iterator[str]:
    spec = section(body, "spec")
    for one in [spec, *mappings(spec.get("to"))]:
        target = section(one, "targetRef")
        if target.get("kind") == "MeshHTTPRoute":
            yield str(target.get("name", ""))


def _routes(body: Body, other: str, scene: Scene) -> Draft:
    """One service, to all of whose callers the rules of a port are said in one object. ``other``: what is about it."""
    try:
        found = sent(body, scene)
    except ValueError as reason:
        raise Unsayable(str(reason)) from reason
    if len({one.service.ref for one in found}) > 1:
        raise Unsayable("it is about several services, and would come back as an object for each")
    if other and (scene.rename or found[0].namespace or found[0].labels):
        raise Unsayable(f"{other} is about it by its name, under which it would not come back")
    if all(is_plain(one, port) for one in found for port in one.ports):
        raise Unsayable("it says what holds without it, and no policy would make it")
    documents: list[dict[str, Any]] = []
    several = _by_rules(found)
    for one, ports in several:
        documents += _documents(one, ports, scene, apart=len(several) > 1)
    if not documents:
        raise Unsayable("it has no rules")
    if found[0].namespace or found[0].labels:  # others get an object of their own, and one name would do for both
        return Draft(key_of(body), tuple(documents))
    documents[-1]["spec"] |= named(TYPE, body, found[0].service.ref.name, scene)
    return Draft(key_of(body), tuple(documents))


def _by_rules(found: Sequence[Sent]) -> list[tuple[Sent, tuple[int, ...]]]:
    """Ports of which the same is said, together."""
    said: dict[str, tuple[Sent, tuple[int, ...]]] = {}
    for one in found:
        _, ports = said.get(encode(one.rules), (one, ()))
        said[encode(one.rules)] = (one, (*ports, *one.ports))
    return list(said.values())


def _documents(one: Sent, ports: tuple[int, ...], scene: Scene, *, apart: bool) -> list[dict[str, Any]]:
    every = {port.number for port in one.service.ports if speech(port) is not Speech.UDP} == set(ports)
    to = Bound(one.service.ref, ports, every)
    try:
        asked = list(_asked(one, ports[0], to, scene))
    except ValueError as reason:
        raise Unsayable(str(reason)) from reason
    name = one.key.name if one.key.kind == KINDS[0] else f"{one.key.name}-connections"
    made = policies(asked, f"{name}-{ports[0]}" if apart else name, to, scene)
    who = _callers(one)
    return [{**each, "spec": ({"from": [who]} if who else {}) | each["spec"]} for each in made]


def _callers(one: Sent) -> Any:
    if not one.labels:
        return f"ns/{one.namespace}" if one.namespace else None
    where = {"namespaces": [one.namespace]} if one.namespace else {}
    return {**where, "workloads": {"labels": {"matchLabels": dict(sorted(one.labels.items()))}}}


def _asked(one: Sent, port: int, to: Bound, scene: Scene) -> Iterator[Asked]:
    body = {"kind": one.key.kind, "metadata": {"name": one.key.name, "namespace": one.key.namespace}}
    for native, given in zip(one.rules, one.on(port), strict=True):
        _check_known(given, scene)
        asked = {**given, "matches": [_without_any(match) for match in given["matches"]]}
        found = [] if one.key.kind == KINDS[1] else matches(asked["matches"] or EVERY)
        done = rule(asked, to, body, scene)
        if "route" in done and not section(native, "default").get("backendRefs"):
            done["route"] = [{"to": scene.short(to.service)}]  # on whichever port it was called
        yield Asked(asked, found, done)


def _without_any(match: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in match.items() if not (name == "path" and part.get("type") == ANY)}


def _check_known(given: Mapping[str, Any], scene: Scene) -> None:
    for one in given.get("backendRefs") or ():
        if scene.cluster.service(one["name"], one["namespace"]) is None:
            raise Unsayable(f"service {one['name']}.{one['namespace']}, which it sends to, is not known in the cluster")
