"""Routes of requests that have arrived: which limits, origins and servers stand before the service for which of them.

Those that may not call at all are refused before they are counted or asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envoy import guards, limits
from reconciler.adapters.envoy.arrivals import Arrival
from reconciler.adapters.envoy.filters import CSRF, GATE, LOCAL_LIMIT
from reconciler.adapters.envoy.matches import EVERY, is_about, route_match
from reconciler.adapters.envoy.ports import Called
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent, Route
from reconciler.model.rules import Leaf

#: how many global limits a connection manager takes
_MOST = limits.STAGES
Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arriving:
    """``settings`` of the virtual host, and ``filters`` that its listener needs, by what policies ask of requests."""

    routes: tuple[Native, ...]
    settings: Mapping[str, Native]
    filters: tuple[Native, ...]


def arriving(arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> Arriving:
    """Each request goes the first route that takes it; the last takes the rest."""
    routes = arrival.host.inbound if arrival.host else ()
    counted = _leaves(routes, limits.GLOBAL)
    if len(counted) > _MOST:
        gaps.error("mesh-inexpressible", f"the proxy takes at most {_MOST} global limits of a service", counted[_MOST])
    stages = {leaf.policy: stage for stage, leaf in enumerate(counted)}
    made = [one for route in routes for one in _routes(route, arrival, stages, gaps)]
    local = _leaves(routes, limits.LOCAL)
    filters = [limits.global_filter(stages[leaf.policy], leaf, intent, gaps) for leaf in counted[:_MOST]]
    filters += [guards.authorizer(leaf, intent, gaps) for leaf in _leaves(routes, guards.EXT_AUTH)]
    passed = [guards.passed([one["name"] for one in filters])] if filters else []
    buckets = {LOCAL_LIMIT: limits.buckets(local, gaps)} if local else {}
    return Arriving((*made, _route(EVERY, {}, [], arrival)), buckets, (*filters, *passed))


def _leaves(routes: Iterable[Route], path: str) -> list[Leaf]:
    """Each once, in the order of its policies."""
    found = {leaf.policy: leaf for route in routes for leaf in route.leaves if leaf.path == path}
    return [found[policy] for policy in sorted(found)]


def _routes(route: Route, arrival: Arrival, stages: Mapping[Any, int], gaps: Gaps) -> Iterator[Native]:
    about = gaps.about(route.askers.match)
    if route.sources:
        about.error("mesh-inexpressible", "where requests arrive, callers cannot be told by their workloads")
    called = Called(arrival.facts, arrival.port)
    settings = {name: config for leaf in route.leaves for name, config in _settings(leaf, gaps)}
    taken = [one for leaf in route.leaves for one in _taken(leaf, stages)]
    if needed := sorted(_needed(route.leaves, stages)):
        settings[GATE] = guards.gate(needed)
    if not route.matches:
        yield _route(EVERY, settings, taken, arrival)
    for match in route.matches:
        if is_about(match, called, about):
            yield _route(route_match(match, about), settings, taken, arrival)


def _settings(leaf: Leaf, gaps: Gaps) -> Iterator[tuple[str, Native]]:
    if leaf.path == guards.CSRF:
        yield CSRF, guards.origins(leaf, gaps)
    elif leaf.path == guards.EXT_AUTH:
        yield guards.authorizer_name(leaf), guards.asked_here()


def _needed(leaves: Iterable[Leaf], stages: Mapping[Any, int]) -> Iterator[str]:
    """Filters of the listener without which requests must not go on."""
    for leaf in leaves:
        if leaf.path == guards.EXT_AUTH and leaf.value.get("failOpen") is not True:
            yield guards.authorizer_name(leaf)
        elif leaf.path == limits.GLOBAL and leaf.value.get("failOpen") is False:
            yield limits.global_name(stages[leaf.policy])


def _taken(leaf: Leaf, stages: Mapping[Any, int]) -> list[Native]:
    if leaf.path == limits.LOCAL:
        return limits.taken(leaf)
    return limits.counted(stages[leaf.policy], leaf) if leaf.path == limits.GLOBAL else []


def _route(match: Native, settings: Mapping[str, Native], taken: list[Native], arrival: Arrival) -> Native:
    """Without the limit of 15 s that the proxy has of its own."""
    action = {"cluster": arrival.name, "timeout": "0s", **({"rate_limits": taken} if taken else {})}
    return {
        "match": match,
        "route": action,
        **({"typed_per_filter_config": dict(settings)} if settings else {}),
    }
