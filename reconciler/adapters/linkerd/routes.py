"""HTTPRoutes for a table of routes: one for each set of annotations, since these hold for a whole object.

Always HTTPRoute: beside a GRPCRoute of a port the mesh would answer every other request there with 404.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import tree
from reconciler.adapters.linkerd.kinds import HTTP_ROUTE, OWN_HTTP_ROUTE
from reconciler.adapters.linkerd.order import anchored, outranks
from reconciler.adapters.linkerd.retries import Annotations, asked_of, redirects
from reconciler.adapters.served import is_served
from reconciler.adapters.standard import filters
from reconciler.adapters.standard.backends import References
from reconciler.adapters.standard.conditions import REGEX, Condition, Value
from reconciler.adapters.standard.matches import conditions
from reconciler.adapters.standard.precedence import TooMany, in_order
from reconciler.model.canonical import digest
from reconciler.model.intents import MeshIntent, Origin, Route
from reconciler.model.native import NativeKind, NativeObject

#: most rules of an object, and most conditions of a rule
MAX_RULES = 16
MAX_CONDITIONS = 8
Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the objects of a table lie and what they bind to; ``port``: of the service that is called."""

    namespace: str
    name: str
    parent: Mapping[str, Any]
    port: int


@dataclass(frozen=True, slots=True)
class _Rule:
    native: Native
    said: Annotations
    origins: tuple[Origin, ...]


def route_kind(intent: MeshIntent) -> NativeKind:
    """Of Gateway API, else the mesh's own where only that is served."""
    if is_served(HTTP_ROUTE, intent.cluster.crds) or not is_served(OWN_HTTP_ROUTE, intent.cluster.crds):
        return HTTP_ROUTE
    return OWN_HTTP_ROUTE


def wanted(route: Route, gaps: Gaps) -> tuple[Condition, ...]:
    """The conditions of a route, their expressions as the proxies read them."""
    if any(match.authority for match in route.matches):
        told = "the mesh matches headers, and in HTTP/2 the authority is none of them"
        gaps.about(route.askers.match).error("mesh-inexpressible", told)
    found = conditions(route.matches, gaps.about(route.askers.match))
    return tuple(_anchored(one) for one in found)


def _anchored(one: Condition) -> Condition:
    return replace(
        one,
        path=anchored(one.path) if one.kind == REGEX else one.path,
        headers=tuple(_value(item) for item in one.headers),
        query=tuple(_value(item) for item in one.query),
    )


def _value(item: Value) -> Value:
    name, kind, value = item
    return (name, kind, anchored(value) if kind == REGEX else value)


def objects(
    routes: Sequence[Route], place: Place, intent: MeshIntent, origins: Iterable[Origin], gaps: Gaps
) -> list[NativeObject]:
    """The objects of a table; routes most specific first."""
    rules = _rules(routes, place, intent, gaps)
    groups: dict[tuple[tuple[str, str], ...], list[_Rule]] = {}
    for rule in rules:
        groups.setdefault(tuple(sorted(rule.said.items())), []).append(rule)
    plain = tuple(sorted(rules[-1].said.items())) if rules else ()
    made: list[NativeObject] = []
    for said, group in groups.items():
        name = place.name if said == plain else f"{place.name}.{digest(list(said))[:6]}"
        whose = {origin for rule in group for origin in rule.origins} or set(origins)
        for number, at in enumerate(range(0, len(group), MAX_RULES), 1):
            part = [rule.native for rule in group[at : at + MAX_RULES]]
            readable = name if number == 1 else f"{name}.{number}"
            made.append(_object(part, readable, dict(said), place, intent, whose))
    return made


def _rules(routes: Sequence[Route], place: Place, intent: MeshIntent, gaps: Gaps) -> list[_Rule]:
    """All rules in order. Where they need several objects, no order between these may matter: the mesh takes the older
    of two equal ones."""
    asked = [wanted(route, gaps) for route in routes]
    own = [asked_of(route, gaps) for route in routes]
    said = [own[-1] if redirects(route) else its for route, its in zip(routes, own, strict=True)]
    several = any(one != said[0] for one in said)
    for apart in (several, True):
        try:
            found = in_order(asked, apart=apart, rank=outranks)
        except TooMany:
            gaps.error("mesh-inexpressible", _TOO_MANY)
            return []
        made = [
            _Rule(native, its, route.origins)
            for route, chosen, its in zip(routes, found.rules, said, strict=True)
            for native in _of_route(route, chosen, place, intent, gaps)
        ]
        if apart or len(made) <= MAX_RULES:
            break
    for first, second in found.unsure:
        _tell_unsure(routes[first], routes[second], gaps)
    return made


_TOO_MANY = (
    "these routes need several objects, since timeouts and retries hold for a whole one, and which of two equal "
    "conditions counts would depend on the age of theirs"
)


def _of_route(
    route: Route, several: Sequence[Condition], place: Place, intent: MeshIntent, gaps: Gaps
) -> Iterable[Native]:
    rule = tree(route.leaves)
    for at in range(0, len(several), MAX_CONDITIONS):
        chunk = several[at : at + MAX_CONDITIONS]
        refs = References(intent, place.namespace, place.port, gaps.about(route.askers.backends))
        native: Native = {"matches": [one.native for one in chunk]}
        if done := filters.filters(route, rule, chunk[0], refs.one, gaps):
            native["filters"] = done
        if not filters.redirects(rule):
            native["backendRefs"] = refs.of(route)
        yield native


def _object(
    rules: Sequence[Native], readable: str, said: Annotations, place: Place, intent: MeshIntent, origins: set[Origin]
) -> NativeObject:
    spec = {"parentRefs": [dict(place.parent)], "rules": list(rules)}
    name = object_name(readable, (place.namespace, readable))
    made = build(intent, route_kind(intent), place.namespace, name, spec, origins)
    if not said:
        return made
    return replace(made, body={**made.body, "metadata": made.body["metadata"] | {"annotations": said}})


def _tell_unsure(one: Route, other: Route, gaps: Gaps) -> None:
    if (one.backends, tree(one.leaves)) == (other.backends, tree(other.leaves)):
        return
    named = " and ".join(sorted({str(origin.ref) for route in (one, other) for origin in route.origins}))
    gaps.warning(
        "route-order",
        f"which of two routes takes a request that fits both depends on its path ({named}): an expression counts as "
        "long as the path that it matches",
        hint="match by exact values and prefixes",
    )
