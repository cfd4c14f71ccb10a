"""HTTPRoute or GRPCRoute for a table of routes; several where one cannot hold all of its rules.

Of two kinds on one port the API uses GRPCRoute only. So all routes of a table become one kind: GRPCRoute where one asks
for gRPC calls and none for what only an HTTPRoute has, else HTTPRoute, where a gRPC call is a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.adapters.standard import filters, resilience
from reconciler.adapters.standard.backends import References
from reconciler.adapters.standard.conditions import Condition
from reconciler.adapters.standard.kinds import BUNDLE
from reconciler.adapters.standard.matches import conditions, says_call
from reconciler.adapters.standard.precedence import Ordered, TooMany, in_order
from reconciler.adapters.standard.written import GRPC_ROUTE, HTTP_ROUTE
from reconciler.model.intents import MeshIntent, Origin, Route
from reconciler.model.native import NativeKind, NativeObject

#: most rules of an object, and most conditions of a rule in every version
MAX_RULES = 16
MAX_CONDITIONS = 8
#: since when a redirect may have other codes than 301 and 302
_MORE_CODES = (1, 5)
#: what a GRPCRoute has of a rule
_GRPC_PARTS = frozenset({"headers"})
Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the objects of a table lie, what they bind to, and what each of their rules has beside its own.

    ``port``: of the service that is called; 0 for a gateway. ``grpc``: whether a GRPCRoute may be used.
    """

    namespace: str
    name: str
    parents: tuple[Native, ...]
    port: int
    hostnames: tuple[str, ...] = ()
    every_rule: tuple[tuple[str, Any], ...] = ()
    grpc: bool = True


def objects(
    routes: Sequence[Route], place: Place, intent: MeshIntent, origins: Iterable[Origin], gaps: Gaps
) -> list[NativeObject]:
    """The objects of a table; routes most specific first."""
    _check_codes(routes, intent, gaps)
    kind = GRPC_ROUTE if place.grpc and _is_grpc(routes) else HTTP_ROUTE
    grpc = kind is GRPC_ROUTE
    wanted = [conditions(route.matches, gaps.about(route.askers.match), grpc=grpc) for route in routes]
    rules, unsure = _rules(routes, wanted, kind, place, intent, gaps)
    for first, second in unsure:
        _tell_unsure(routes[first], routes[second], gaps)
    parts = [rules[at : at + MAX_RULES] for at in range(0, len(rules), MAX_RULES)]
    return [_object(part, number, kind, place, intent, origins) for number, part in enumerate(parts, 1)]


def _is_grpc(routes: Iterable[Route]) -> bool:
    known = list(routes)
    if not any(match.grpc for route in known for match in route.matches):
        return False
    return all(
        all(says_call(match) for match in route.matches) and set(tree(route.leaves)) <= _GRPC_PARTS for route in known
    )


def _rules(
    routes: Sequence[Route],
    wanted: Sequence[Sequence[Condition]],
    kind: NativeKind,
    place: Place,
    intent: MeshIntent,
    gaps: Gaps,
) -> tuple[list[Native], Sequence[tuple[int, int]]]:
    """All rules in order. Where they need several objects, no order between these may matter."""
    made: list[Native] = []
    found = Ordered((), ())
    for apart in (False, True):
        try:
            found = in_order(wanted, apart=apart)
        except TooMany:
            gaps.error(
                "mesh-inexpressible",
                "the API takes too few rules and conditions in one object to keep the order of these routes",
            )
            return [], ()
        made = [
            rule
            for route, several in zip(routes, found.rules, strict=True)
            for rule in _of_route(route, several, kind, place, intent, gaps)
        ]
        if len(made) <= MAX_RULES:
            break
    return made, found.unsure


def _of_route(
    route: Route,
    several: Sequence[Condition],
    kind: NativeKind,
    place: Place,
    intent: MeshIntent,
    gaps: Gaps,
) -> Iterable[Native]:
    rule = tree(route.leaves)
    size = 1 if filters.depends_on_path(rule) else MAX_CONDITIONS
    for at in range(0, len(several), size):
        chunk = several[at : at + size]
        yield _rule(route, rule, chunk, kind, place, References(intent, place.namespace, place.port, gaps))


def _rule(
    route: Route,
    rule: Mapping[str, Any],
    chunk: Sequence[Condition],
    kind: NativeKind,
    place: Place,
    refs: References,
) -> Native:
    gaps = refs.gaps
    native: Native = {"matches": [one.native for one in chunk]}
    if native["matches"] == [{}]:
        del native["matches"]  # every call
    if done := filters.filters(route, rule, chunk[0], _asked(refs, route.askers.mirrors).one, gaps):
        native["filters"] = done
    if filters.redirects(rule):
        return native
    native["backendRefs"] = _asked(refs, route.askers.backends).of(route)
    if kind is HTTP_ROUTE:
        native |= resilience.timeouts(route, rule, gaps) | resilience.retry(route, rule, gaps)
    return native | dict(place.every_rule)


def _asked(refs: References, policies: Iterable[Origin]) -> References:
    """References that these policies ask for."""
    return References(refs.intent, refs.namespace, refs.port, refs.gaps.about(policies))


def _tell_unsure(one: Route, other: Route, gaps: Gaps) -> None:
    if (one.backends, one.mirrors, tree(one.leaves)) == (other.backends, other.mirrors, tree(other.leaves)):
        return
    named = " and ".join(sorted({str(origin.ref) for route in (one, other) for origin in route.origins}))
    gaps.warning(
        "route-order",
        f"whether a request that fits two routes goes to the first is left to each implementation ({named}): "
        "a condition with a regular expression has no place in the order of the API",
        hint="match by exact values and prefixes, or try it on the implementation that runs",
    )


def _object(
    rules: Sequence[Native],
    number: int,
    kind: NativeKind,
    place: Place,
    intent: MeshIntent,
    origins: Iterable[Origin],
) -> NativeObject:
    readable = place.name if number == 1 else f"{place.name}.{number}"
    spec: Native = {"parentRefs": list(place.parents)}
    spec |= {"hostnames": list(place.hostnames)} if place.hostnames else {}
    name = object_name(readable, (place.namespace, place.name, str(number)))
    return build(intent, kind, place.namespace, name, spec | {"rules": list(rules)}, origins)


def _check_codes(routes: Iterable[Route], intent: MeshIntent, gaps: Gaps) -> None:
    version = intent.mesh.components.get(BUNDLE, intent.mesh.version)
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    for route in routes if numbers and numbers < _MORE_CODES else ():
        rule = tree(route.leaves)
        if section(rule, "redirect") and filters.newer_code(rule):
            gaps.error(
                "mesh-too-old",
                f"a redirect other than 301 and 302 needs version 1.5; {version} is there",
                leaf_at(route.leaves, "traffic.redirect"),
            )
