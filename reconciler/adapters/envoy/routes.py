"""Route: what a caller's proxy, or a gateway, does with the requests that a neutral route is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.matches import route_matches
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Route


@dataclass(frozen=True, slots=True)
class Called:
    """The port of a service that is called."""

    service: ServiceFacts
    port: PortFacts


def default_route(called: Called) -> dict[str, Any]:
    """To the service itself; without the limit of 15 s that the proxy has of its own."""
    cluster = names.upstream(called.service.ref, called.port.number)
    return {"name": "default", "match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}}


def routes_of(host: HostIntent, called: Called, proxy: Proxy, intent: MeshIntent, gaps: Gaps) -> list[dict[str, Any]]:
    """Those of a host that are about this caller, in order; to the host itself where none is."""
    meant = [route for route in host.routes if proxy.is_among(route.sources)]
    found = [native for route in meant for native in _native(route, called, gaps)]
    return found or [default_route(called)]


def _native(route: Route, called: Called, gaps: Gaps) -> Iterator[dict[str, Any]]:
    """One for each match: they are alternatives."""
    action = _action(route, called, gaps)
    for match in route_matches(route, called, gaps):
        yield {**({"name": route.name} if route.name else {}), "match": match, **action}


def _action(route: Route, called: Called, gaps: Gaps) -> dict[str, Any]:
    rule = tree(route.leaves)
    if route.reject:
        return {"direct_response": {"status": 404}}
    return {"route": _forward(route, called, gaps) | _timeout(rule)}


def _forward(route: Route, called: Called, gaps: Gaps) -> dict[str, Any]:
    shares = weights.whole([backend.weight for backend in route.backends])
    if not any(shares):
        gaps.error("mesh-invalid-value", "the weights of a route are all 0", leaf_at(route.leaves, "traffic.route"))
    if len(route.backends) == 1:
        return {"cluster": cluster_of(route.backends[0], called)}
    parts = [
        {"name": cluster_of(backend, called), "weight": share}
        for backend, share in zip(route.backends, shares, strict=True)
    ]
    return {"weighted_clusters": {"clusters": parts}}


def cluster_of(backend: Backend, called: Called) -> str:
    return names.upstream(backend.service, backend.port or called.port.number, backend.subset)


def _timeout(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The proxy has a limit of 15 s of its own where none is said."""
    return {"timeout": section(rule, "timeout").get("request", "0s")}
