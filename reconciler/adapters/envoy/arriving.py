"""Routes of requests that have arrived: which limits, origins and servers stand before the service for which of them.

Those that may not call at all are refused before they are counted or asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envoy.arrivals import Arrival
from reconciler.adapters.envoy.guarding import Guarding, guarding
from reconciler.adapters.envoy.matches import EVERY, is_about, route_match
from reconciler.adapters.envoy.ports import Called
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent, Route

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
    found = guarding(routes, intent, gaps)
    made = [one for route in routes for one in _routes(route, arrival, found, gaps)]
    return Arriving((*made, _route(EVERY, {}, [], arrival)), found.settings, found.filters)


def _routes(route: Route, arrival: Arrival, found: Guarding, gaps: Gaps) -> Iterator[Native]:
    about = gaps.about(route.askers.match)
    if route.sources:
        about.error("mesh-inexpressible", "where requests arrive, callers cannot be told by their workloads")
    called = Called(arrival.facts, arrival.port)
    settings, taken = found.said(route.leaves, gaps)
    if not route.matches:
        yield _route(EVERY, settings, taken, arrival)
    for match in route.matches:
        if is_about(match, called, about):
            yield _route(route_match(match, about), settings, taken, arrival)


def _route(match: Native, settings: Mapping[str, Native], taken: list[Native], arrival: Arrival) -> Native:
    """Without the limit of 15 s that the proxy has of its own."""
    action = {"cluster": arrival.name, "timeout": "0s", **({"rate_limits": taken} if taken else {})}
    return {
        "match": match,
        "route": action,
        **({"typed_per_filter_config": dict(settings)} if settings else {}),
    }
