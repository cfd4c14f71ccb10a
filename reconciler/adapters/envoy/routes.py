"""Route: what a caller's proxy, or a gateway, does with the requests that a neutral route is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.adapters.envoy.answers import answer
from reconciler.adapters.envoy.backends import destinations, mirrors
from reconciler.adapters.envoy.cors import cors
from reconciler.adapters.envoy.faults import fault
from reconciler.adapters.envoy.hashing import hash_policies, keeps_subset
from reconciler.adapters.envoy.headers import SIDES, changes
from reconciler.adapters.envoy.matches import is_about, route_match
from reconciler.adapters.envoy.ports import Called as Called
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.envoy.retries import interplay, retries, timeouts
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.adapters.rewriting import replacement
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Route
from reconciler.model.selectors import Match


class Routes:
    """What callers do with requests to a service. Callers that the same policies mean get the same, so it is made once
    for all of them."""

    def __init__(self, service: ServiceFacts, host: HostIntent | None, intent: MeshIntent, gaps: Gaps) -> None:
        self._service, self._intent, self._gaps = service, intent, gaps
        self._routes = host.routes if host else ()
        self._known: dict[tuple[int, ...], list[dict[str, Any]]] = {}

    def of(self, port: PortFacts, proxy: Proxy) -> list[dict[str, Any]]:
        """Those that are about this caller, in order; to the service itself where policies ask for none."""
        meant = [at for at, route in enumerate(self._routes) if proxy.is_among(route.sources)]
        key = (port.number, *meant)
        if key not in self._known:
            itself = Route((), (), (Backend(self._service.ref, 1),), (), (), (), name="default")
            routes = [self._routes[at] for at in meant] or [itself]
            self._known[key] = [native for route in routes for native in self._native(route, port)]
        return self._known[key]

    def _native(self, route: Route, port: PortFacts) -> Iterator[dict[str, Any]]:
        return native_routes(route, Called(self._service, port), self._intent, self._gaps)


def native_routes(route: Route, called: Called, intent: MeshIntent, gaps: Gaps) -> Iterator[dict[str, Any]]:
    """One for each match: they are alternatives."""
    told, rule = gaps.about(route.askers.match), tree(route.leaves)
    for match in route.matches or (Match(),):
        if is_about(match, called, told):
            named = {"name": route.name} if route.name else {}
            yield {**named, "match": route_match(match, told), **_done(route, match, rule, (called, intent, gaps))}


def _done(
    route: Route, match: Match, rule: Mapping[str, Any], place: tuple[Called, MeshIntent, Gaps]
) -> dict[str, Any]:
    """What becomes of the requests of a match."""
    gaps = place[2]
    filters = fault(route, rule, gaps) | cors(route, rule, gaps)
    configured = {"typed_per_filter_config": filters} if filters else {}
    if answered := answer(route, match, rule, gaps):
        # the request goes nowhere, so only what is done to its answer holds
        done = changes(section(rule, "headers"), gaps, route.leaves, ("response",))
        return {**answered, **done.fields, **configured}
    done = changes(section(rule, "headers"), gaps, route.leaves, SIDES)
    action = _forward(route, rule, place) | _rewrite(route, match, rule, done.host, gaps)
    interplay(route, action, "fault" in rule, gaps)
    return {"route": action, **done.fields, **configured}


def _forward(route: Route, rule: Mapping[str, Any], place: tuple[Called, MeshIntent, Gaps]) -> dict[str, Any]:
    called, intent, gaps = place
    action = destinations(route, called, intent, gaps)
    hashed = hash_policies(route, intent, gaps)
    if hashed and "weighted_clusters" in action and keeps_subset(route, intent):
        action["weighted_clusters"]["use_hash_policy"] = True
    return {
        **action,
        **mirrors(route, called, intent, gaps),
        **timeouts(route, rule, gaps),
        **retries(route, rule, gaps),
        **hashed,
    }


def _rewrite(route: Route, match: Match, rule: Mapping[str, Any], host: str, gaps: Gaps) -> dict[str, Any]:
    """``host``: what a header operation makes the authority."""
    asked, leaf = section(rule, "rewrite"), leaf_at(route.leaves, "traffic.rewrite")
    native: dict[str, Any] = {}
    if found := replacement(asked, [match.path], leaf, gaps):
        native["regex_rewrite"] = {"pattern": {"regex": found[0]}, "substitution": found[1]}
    if "host" in asked and host:
        told = "the host is set by rewrite.host and by a header, and the mesh takes one"
        gaps.error("mesh-invalid-value", told, leaf)
    if "host" in asked or host:
        native["host_rewrite_literal"] = str(asked.get("host", host))
    return native
