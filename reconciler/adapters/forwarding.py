"""What routes send to, as every adapter asks it."""

from __future__ import annotations

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.model.ingress_intents import GatewayIntent, HostTable
from reconciler.model.intents import Backend, MeshIntent, Origin


def has_subset(backend: Backend, intent: MeshIntent) -> bool:
    """Whether the subset that a route sends to is defined."""
    hosts = intent.hosts_by_name.get((backend.service.name, backend.service.namespace), ())
    return any(subset.name == backend.subset for host in hosts for subset in host.subsets)


def check_connections(table: HostTable, gaps: Gaps) -> None:
    """Where no requests are seen, a route can say no more than where connections go."""
    for route in table.routes:
        if route.matches or route.leaves or route.mirrors or any(one.headers for one in route.backends):
            told = f"of connections for host {table.host} nothing is seen but the name in their handshake"
            gaps.error("mesh-inexpressible", told, leaf_at(route.leaves, "traffic"), "use `then.route` alone")


def origins_of(table: HostTable, asked: GatewayIntent) -> set[Origin]:
    """Who asks for the routes of a host; where nobody does, who asks for its gateway."""
    return {origin for route in table.routes for origin in route.origins} or set(asked.origins)
