"""What objects have the mesh do, in one form for all spellings: the requests to a name, each with what becomes of it.

Of routes whose order says nothing (no request fits both, or both do the same) the one whose text is first stands first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from reconciler.adapters.appmesh import nodes
from reconciler.adapters.appmesh.accounts import CALLED, service_of
from reconciler.adapters.appmesh.live import called, normalize
from reconciler.adapters.importing import MALFORMED, Body, Meaning, Scene, key_of
from reconciler.adapters.raw import labels
from reconciler.model.canonical import encode, plain
from reconciler.model.refs import ObjectKey

Part = Mapping[str, Any]
Known = Mapping[ObjectKey, Body]
HTTP = ("httpRoute", "http2Route")
_KINDS = (*HTTP, "grpcRoute", "tcpRoute")


def meanings(bodies: Iterable[Body], scene: Scene) -> Mapping[str, Meaning]:
    given = [normalize(body) for body in bodies]
    known = {key_of(body): body for body in given}
    found: dict[str, Meaning] = {}
    led = [key for body in given if (key := router_of(body)) in known]
    for body in given:
        key = key_of(body)
        alone = service_of(body, scene.cluster) is not None
        if nodes.STANDS_FOR in labels(body) or (key in led and led.count(key) == 1 and not alone):
            continue  # it is said with those that refer to it
        about, content, objects = _said(body, known, scene)
        found[about] = Meaning(about, plain(content), objects)
    return dict(sorted(found.items()))


def router_of(body: Body) -> ObjectKey | None:
    """The VirtualRouter that a VirtualService leads to."""
    key = key_of(body)
    if key.kind != "VirtualService":
        return None
    try:
        ref = body["spec"]["provider"]["virtualRouter"]["virtualRouterRef"]
        return ObjectKey(key.group, "VirtualRouter", str(ref.get("namespace") or key.namespace), str(ref["name"]))
    except MALFORMED:
        return None


def _said(body: Body, known: Known, scene: Scene) -> tuple[str, Any, tuple[ObjectKey, ...]]:
    """A body that is not of the form of its kind means what is written. In an account the name of a service stays as it
    is, and what becomes of requests to it is said by its router."""
    key, router = key_of(body), router_of(body)
    service = service_of(body, scene.cluster)
    if service is not None and key.kind == "VirtualRouter":
        try:
            return f"requests to {service.labels[CALLED]}", routed(body, known, scene), (key,)
        except MALFORMED:
            pass
    if service is None and router in known and router is not None:
        try:
            return f"requests to {called(body)}", routed(known[router], known, scene), (key, router)
        except MALFORMED:
            pass
    return str(key), {name: body[name] for name in body if name not in ("apiVersion", "metadata", "status")}, (key,)


def routed(router: Body, known: Known, scene: Scene) -> dict[str, Any]:
    """What becomes of requests to a router. Raises what a body raises that is not of its form."""
    spec = router["spec"]
    listeners = sorted((one["portMapping"]["port"], one["portMapping"]["protocol"]) for one in spec["listeners"])
    return {"listeners": listeners, "routes": units(ordered(spec.get("routes") or ()), listeners, router, known, scene)}


def ordered(routes: Sequence[Part]) -> list[Part]:
    """By priority; those without one last, in the order in which they are written."""
    return sorted(routes, key=lambda one: one.get("priority", 1001))


def units(routes: Sequence[Part], listeners: Sequence[Any], router: Body, known: Known, scene: Scene) -> list[Any]:
    """Routes in the one order of all that mean the same: always the first in text of those that may come next."""
    left = list(_unlike(_unit(one, listeners, router, known, scene) for one in routes))
    done = []
    while left:
        free = [one for at, one in enumerate(left) if all(commute(one, other) for other in left[:at])]
        first = min(free, key=encode)
        left.remove(first)
        done.append(first)
    return done


def _unlike(found: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    taken: set[str] = set()
    for one in found:
        if (text := encode([one["kind"], one["match"]])) not in taken:
            taken.add(text)
            yield one


def _unit(route: Part, listeners: Sequence[Any], router: Body, known: Known, scene: Scene) -> dict[str, Any]:
    kind = next(name for name in _KINDS if route.get(name))
    said = route[kind]
    rest = {name: value for name, value in said.items() if name not in ("match", "action")}
    for field in ("httpRetryEvents", "tcpRetryEvents", "grpcRetryEvents"):
        if field in rest.get("retryPolicy", {}):
            rest["retryPolicy"] = {**rest["retryPolicy"], field: sorted(rest["retryPolicy"][field])}
    match = {**(said.get("match") or {})}
    if len(listeners) == 1:
        match.setdefault("port", listeners[0][0])
    for field in ("headers", "queryParameters", "metadata"):
        if field in match:
            match[field] = sorted(match[field], key=encode)
    if "headers" in match:
        match["headers"] = [{**one, "name": str(one["name"]).lower()} for one in match["headers"]]
    return {"kind": kind, "match": match, "then": lengths(rest), "to": targets(said, router, known, scene)}


def lengths(given: Any) -> Any:
    """Every length of time in milliseconds."""
    if isinstance(given, Mapping):
        if given.keys() == {"unit", "value"}:
            return int(given["value"]) * (1000 if given["unit"] == "s" else 1)
        return {key: lengths(value) for key, value in given.items()}
    return given


def targets(said: Part, router: Body, known: Known, scene: Scene) -> list[Any]:
    """Where requests go, each with its share."""
    given = said["action"]["weightedTargets"]
    total = sum(int(one["weight"]) for one in given)
    shares: dict[str, Fraction] = {}
    for one in given:
        to = encode(_target(one, router, known, scene))
        shares[to] = shares.get(to, Fraction(0)) + (Fraction(int(one["weight"]), total) if total else Fraction(0))
    return sorted([to, str(share)] for to, share in shares.items())


def _target(one: Part, router: Body, known: Known, scene: Scene) -> dict[str, Any]:
    """By the host that a node names; a node that is found otherwise, or that nobody knows, by its name."""
    if "virtualNodeRef" not in one:
        return dict(one, weight=0)
    key = node_key(one, router)
    node = known.get(key) or {}
    hostname = str((((node.get("spec") or {}).get("serviceDiscovery") or {}).get("dns") or {}).get("hostname") or "")
    if not hostname:
        hostname = next((n.hostname for n in nodes.known(scene.mesh) if (n.namespace, n.name) == key_pair(key)), "")
    port = {"port": one["port"]} if one.get("port") and _several(node) else {}
    return {"host": hostname.rstrip(".")} | port if hostname else {"node": str(key)} | port


def _several(node: Body) -> bool:
    return len((node.get("spec") or {}).get("listeners") or ()) > 1


def key_pair(key: ObjectKey) -> tuple[str, str]:
    return (key.namespace, key.name)


def node_key(one: Part, router: Body) -> ObjectKey:
    """The VirtualNode that a target names."""
    own, ref = key_of(router), one["virtualNodeRef"]
    return ObjectKey(own.group, "VirtualNode", str(ref.get("namespace") or own.namespace), str(ref["name"]))


def commute(one: Part, other: Part) -> bool:
    """Whether it does not matter which of two routes comes first."""
    same = ("kind", "then", "to")
    if all(one[field] == other[field] for field in same):
        return True
    mine, its = one["match"], other["match"]
    if any(mine.get(field, "") != its.get(field, "") and mine.get(field) and its.get(field) for field in _APART):
        return True
    return _paths_apart(mine, its) or _paths_apart(its, mine) or _headers_apart(mine, its)


_APART = ("port", "method", "scheme")


def _paths_apart(mine: Part, its: Part) -> bool:
    """Whether the first asks for something that the second does not take."""
    exact = (mine.get("path") or {}).get("exact")
    if exact is not None:
        other = (its.get("path") or {}).get("exact")
        return (other is not None and other != exact) or not exact.startswith(its.get("prefix") or "")
    first, second = str(mine.get("prefix") or ""), str(its.get("prefix") or "")
    return bool(first and second) and not first.startswith(second) and not second.startswith(first)


def _headers_apart(mine: Part, its: Part) -> bool:
    """Whether they ask for two values of one header."""
    first, second = _exact_headers(mine), _exact_headers(its)
    return any(second.get(name, value) != value for name, value in first.items())


def _exact_headers(match: Part) -> dict[str, str]:
    return {one["name"]: one["match"]["exact"] for one in match.get("headers", ()) if _is_exact(one)}


def _is_exact(header: Part) -> bool:
    return "exact" in (header.get("match") or {}) and not header.get("invert")
