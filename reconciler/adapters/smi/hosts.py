"""What is written for a service: the shares between Services (TrafficSplit), a Service for each subset that has one,
and what the product has for a host as a whole. SMI has shares for all requests to a Service, and nothing else of a
route."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters import weights
from reconciler.adapters.built import Built, built
from reconciler.adapters.forwarding import has_subset
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.smi.breaking import circuit_breaker
from reconciler.adapters.smi.kinds import TRAFFIC_SPLIT
from reconciler.adapters.smi.products import NGINX, OSM, build, product_of
from reconciler.adapters.smi.upstreams import LIMIT, upstream
from reconciler.adapters.standard import subsets
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Route
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all services. One with something that cannot be said has none."""
    for host in intent.hosts:
        gaps = Gaps()
        yield built(_objects(host, intent, gaps), gaps, host.origins, intent, host.service)


def _objects(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    route = _only_route(host, intent, gaps)
    if gaps.blocking:
        return []
    made = [upstream(host, intent, gaps), circuit_breaker(host, intent, gaps)]
    _tell_others(host, intent, gaps)
    if route is None or _is_plain(route, host):
        return [one for one in made if one is not None]
    parts = list(subsets.services(host, intent, gaps))
    return [*parts, *(one for one in made if one is not None), _split(route, host, intent, gaps)]


def _only_route(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Route | None:
    """The route of all requests; None where there is none. One reason is told where there are conditions."""
    if host.service.host and host.routes:
        gaps.error("mesh-inexpressible", f"SMI has shares between Services only, not for {host.service.label}")
    for route in host.routes:
        if route.matches or route.sources or route.reject:
            gaps.about(route.askers.match).error("mesh-inexpressible", "SMI has shares of all requests, not of some")
            return None
    for route in host.routes:
        for leaf in route.leaves:
            gaps.error("mesh-inexpressible", f"SMI has nothing like {leaf.path}", leaf)
        if route.mirrors:
            gaps.about(route.askers.mirrors).error("mesh-inexpressible", "SMI cannot mirror requests")
    for route in host.inbound:
        for leaf in route.leaves:
            if leaf.path != LIMIT or product_of(intent) != OSM:
                gaps.error("mesh-inexpressible", f"SMI has nothing like {leaf.path}", leaf)
    return host.routes[0] if host.routes else None


def _tell_others(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> None:
    """What no product of the mesh has for a host as a whole."""
    carried = {OSM: ("traffic.connections.",), NGINX: ("traffic.outlier.",)}.get(product_of(intent), ())
    for leaf in host.host_leaves:
        if not leaf.path.startswith(tuple(carried)) or not carried:
            gaps.error("mesh-inexpressible", f"the mesh has nothing like {leaf.path}", leaf)
    for leaves in host.part_leaves.values():
        for leaf in leaves:
            gaps.error("mesh-inexpressible", "the mesh has nothing for a part of a service", leaf)


def _is_plain(route: Route, host: HostIntent) -> bool:
    """Whether all requests go to the service itself, as they do anyway."""
    return len(route.backends) == 1 and route.backends[0] == Backend(host.service, route.backends[0].weight)


def _split(route: Route, host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject:
    asked = gaps.about(route.askers.backends)
    shares = weights.whole([backend.weight for backend in route.backends])
    if not any(shares):
        asked.error("mesh-invalid-value", "the weights of a route are all 0")
    backends = [
        {"service": _name(backend, host, intent, asked), "weight": share}
        for backend, share in zip(route.backends, shares, strict=True)
    ]
    if len({one["service"] for one in backends}) < len(backends):
        asked.error("mesh-inexpressible", "SMI names each Service once among the shares")
    spec = {"service": host.service.name, "backends": backends}
    return build(intent, TRAFFIC_SPLIT, host.service.namespace, host.service.name, spec, host.origins)


def _name(backend: Backend, host: HostIntent, intent: MeshIntent, gaps: Gaps) -> str:
    service = backend.service
    if service.host or service.namespace != host.service.namespace:
        gaps.error("mesh-inexpressible", f"SMI shares requests out in one namespace, which {service.label} is not in")
    if backend.port or backend.headers:
        gaps.error("mesh-inexpressible", "SMI shares say neither ports nor headers: callers' ports hold")
    if not backend.subset:
        return service.name
    if product_of(intent) == NGINX:
        gaps.error("mesh-inexpressible", "the product refuses shares of a Service that selects the pods of its parts")
    if not has_subset(backend, intent):
        gaps.error("subset-unknown", f"no subset {backend.subset!r} of {service} is defined")
    if problem := subsets.missing(intent.cluster.service(service.name, service.namespace), service):
        gaps.error("workloads-unknown", problem)
    return subsets.name_of(service, backend.subset, intent)
