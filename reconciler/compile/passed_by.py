"""A well-known trap: what a policy says of requests to a service holds for callers inside the mesh. A gateway has its
own routes, so that a split over versions, say, is not made for what comes in by it."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.compile.notes import Notes
from reconciler.model.findings import warning
from reconciler.model.ingress_intents import GatewayIntent
from reconciler.model.intents import Backend, HostIntent, Route


def tell_passed_by(gateways: Iterable[GatewayIntent], hosts: Iterable[HostIntent], notes: Notes) -> None:
    """A warning for each document that sends requests to a service as a whole, whose requests a policy sends on."""
    split = {(host.service.name, host.service.namespace): host for host in hosts if any(map(_goes_on, host.routes))}
    for asked in gateways:
        for backend, route in _sent(asked):
            host = split.get((backend.service.name, backend.service.namespace))
            if host is not None and not backend.subset:
                policies = sorted({str(origin.ref) for one in host.routes if _goes_on(one) for origin in one.origins})
                message = (
                    f"{asked.policy} sends requests to {backend.service.label}, whose routes ({', '.join(policies)}) "
                    "hold for callers inside the mesh and not at a gateway"
                )
                hint = "say in the route of the gateway too where they go"
                at = next((origin.position for origin in route.origins), asked.origins[0].position)
                notes.find(warning("gateway-passes-by", message, at, hint, asked.policy))


def _sent(asked: GatewayIntent) -> Iterable[tuple[Backend, Route]]:
    for table in asked.tables:
        for route in table.routes:
            yield from ((backend, route) for backend in route.backends)


def _goes_on(route: Route) -> bool:
    """Whether requests go anywhere but to all of one service."""
    return len(route.backends) > 1 or any(backend.subset for backend in route.backends)
