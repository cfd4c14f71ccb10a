"""MeshHTTPRoute: the routes to a service, an object for each kind of callers and each set of timeouts and retries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.backends import References
from reconciler.adapters.kuma.filters import filters
from reconciler.adapters.kuma.kinds import HTTP_ROUTE
from reconciler.adapters.kuma.objects import build, to_service
from reconciler.adapters.kuma.order import Entry, in_order, is_pathless, is_rooted
from reconciler.adapters.kuma.places import Place, scopes
from reconciler.adapters.kuma.spoken import http_ports, section_name
from reconciler.adapters.leaves import leaf_at, tree
from reconciler.adapters.standard.conditions import ANYTHING, REGEX, Condition
from reconciler.adapters.standard.filters import depends_on_path, redirects
from reconciler.adapters.standard.matches import conditions
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject
from reconciler.model.selectors import Match

Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """A condition of a route where it is written."""

    route: Route
    place: Place
    entry: Entry


def objects(
    host: HostIntent, places: Mapping[int, tuple[str, ...]], intent: MeshIntent, gaps: Gaps
) -> list[NativeObject]:
    """The objects of a service; ``places``: by the number of a route what tells its object from others."""
    placed = _placed(host, places, gaps)
    found = list(dict.fromkeys(one.place for one in placed))
    ports = http_ports(host, intent, gaps)
    rooted = is_rooted([one.entry.condition for one in placed])
    if not ports and any(route.matches or route.mirrors or _changes(route) for route in host.routes):
        told = f"no port of {host.service.label} carries HTTP, so that routes of requests have no effect"
        gaps.warning("http-route-on-tcp", told, hint="set appProtocol of the port in the Service")
    table = _Table(host, intent, ports, rooted, len(found) > 1, gaps)
    return [table.object(place, [one for one in placed if one.place == place]) for place in found if ports]


def _placed(host: HostIntent, places: Mapping[int, tuple[str, ...]], gaps: Gaps) -> list[Placed]:
    """Every condition in our order, as the mesh has to be told so that it keeps that."""
    found = []
    for number, route in enumerate(host.routes):
        asked = gaps.about(route.askers.match)
        if route.reject:
            asked.error(
                "mesh-inexpressible", "what fits no route goes to the service itself: the mesh cannot answer 404"
            )
        for scope in scopes(route):
            place = Place(scope, places.get(number, ()))
            for match in route.matches or (Match(),):
                for one in conditions((match,), asked):
                    entry = Entry(one, scope, frozenset(match.ports), number, place, place.strength(host))
                    found.append(Placed(route, place, entry))
    ordered = in_order([one.entry for one in found])
    return [
        replace(one, entry=replace(one.entry, condition=condition))
        for one, condition in zip(found, ordered, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Table:
    host: HostIntent
    intent: MeshIntent
    ports: Sequence[PortFacts]
    rooted: bool
    several: bool  # objects: a rule of one may take the place of one of another, so each says all of it
    gaps: Gaps

    def object(self, place: Place, placed: Sequence[Placed]) -> NativeObject:
        namespace = place.namespace(self.host)
        spec = {"targetRef": place.target(self.host, self.intent), "to": list(self._to(namespace, placed))}
        origins = {origin for one in placed for origin in one.route.origins} or self.host.origins
        return build(self.intent, HTTP_ROUTE, namespace, place.name(self.host), spec, _all(origins, self.host))

    def _to(self, namespace: str, placed: Sequence[Placed]) -> Iterable[Native]:
        for port in self.ports:
            here = [one for one in placed if not one.entry.ports or one.entry.ports & {port.number, port.name}]
            rules = list(self._rules(here, References(self.intent, namespace, port.number)))
            if rules:
                target = to_service(self.host.service, namespace, section_name(port))
                yield {"targetRef": target, "rules": rules}

    def _rules(self, placed: Sequence[Placed], refs: References) -> Iterable[Native]:
        seen: set[tuple[object, ...]] = set()
        for number in dict.fromkeys(one.entry.route for one in placed):
            route = self.host.routes[number]
            own = [one.entry.condition for one in placed if one.entry.route == number]
            kept = [one for one in dict.fromkeys(own) if one.same not in seen]
            seen |= {one.same for one in kept}
            apart = self.several or depends_on_path(tree(route.leaves))
            for several in ([[one] for one in kept] if apart else [kept]) if kept else []:
                yield self._rule(route, several, refs)

    def _rule(self, route: Route, several: Sequence[Condition], refs: References) -> Native:
        rule, gaps = tree(route.leaves), self.gaps
        _check_prefix(route, rule, several[0], gaps)
        default: Native = {}
        done = filters(route, rule, several[0], refs, gaps)
        if done or self.several:
            default["filters"] = done
        if not redirects(rule):
            default["backendRefs"] = refs.of(route, gaps.about(route.askers.backends))
        return {"matches": [native(one, self.rooted) for one in several], "default": default}


def _all(origins: Iterable[Origin], host: HostIntent) -> Iterable[Origin]:
    return set(origins) or host.origins


def _check_prefix(route: Route, rule: Mapping[str, Any], one: Condition, gaps: Gaps) -> None:
    """Where the order had to be said by expressions, no prefix is left to be replaced."""
    if depends_on_path(rule) and one.kind == REGEX and one.base:
        told = "these routes are in an order that the mesh takes from expressions only, where no prefix can be replaced"
        gaps.error("mesh-inexpressible", told, leaf_at(route.leaves, "traffic.rewrite"))


def native(one: Condition, rooted: bool) -> Native:
    """One of ``matches[]``."""
    found: Native = {} if is_pathless(one) and not rooted else {"path": {"type": one.kind, "value": one.path}}
    found |= {"method": one.method} if one.method else {}
    if one.query:
        found["queryParams"] = [{"type": kind, "name": name, "value": value} for name, kind, value in one.query]
    if one.headers:
        found["headers"] = [_header(*header) for header in one.headers]
    return found


def _header(name: str, kind: str, value: str) -> Native:
    if (kind, value) == (REGEX, ANYTHING):
        return {"type": "Present", "name": name}
    return {"type": kind, "name": name, "value": value}


def is_plain(route: Route, host: HostIntent) -> bool:
    """Whether a route sends all requests to the service itself, as happens without it."""
    own = len(route.backends) == 1 and route.backends[0].service == host.service
    if route.matches or route.mirrors or route.reject or _changes(route) or not own:
        return False
    return not (route.backends[0].subset or route.backends[0].port or route.backends[0].headers)


def _changes(route: Route) -> bool:
    return bool({"headers", "redirect", "rewrite"} & set(tree(route.leaves)))
