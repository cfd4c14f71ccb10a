"""What is written for a service: the routes to it, and a Service for each subset that routes send to. All of it or
nothing, since a reference to a Service that is not there answers 500."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.gateway_api import subsets
from reconciler.adapters.gateway_api.resilience import persistence
from reconciler.adapters.gateway_api.routes import Place, needs_newer_code, objects
from reconciler.adapters.gateway_api.tables import Table, tables
from reconciler.adapters.leaves import leaf_at, tree
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject

#: since when a redirect may have other codes than 301 and 302
_MORE_CODES = (1, 5)


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all services. One with something that cannot be said has none."""
    for host in intent.hosts:
        gaps = Gaps()
        yield built(objects_of(host, intent, gaps), gaps, host.origins, intent)


def objects_of(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    """The objects of one service, with what cannot be said or will not do what was asked in ``gaps``."""
    host = _with_route(host)
    _check_codes(host, intent, gaps)
    made = list(subsets.services(host, intent, gaps))
    for table in tables(host, gaps):
        if table.rejects and not table.routes:
            message = f"the API cannot answer all requests to {host.service.label} with 404: a route has to take some"
            gaps.error("mesh-inexpressible", message)
        elif table.routes:
            made += objects(table.routes, _place(table, host, gaps), intent, _origins(table.routes, host), gaps)
    return made


def _with_route(host: HostIntent) -> HostIntent:
    """What holds for a service as a whole lies on routes here, so that there must be one."""
    if host.routes or not host.host_leaves:
        return host
    every = Route((), (), (Backend(host.service, 100),), (), (), host.origins)
    return replace(host, routes=(every,))


def _place(table: Table, host: HostIntent, gaps: Gaps) -> Place:
    service, own = host.service, table.namespace == host.service.namespace
    name = service.name if own else f"{service.name}.{service.namespace}"
    parent = {"group": "", "kind": "Service", "name": service.name, "port": table.port}
    parent |= {} if own else {"namespace": service.namespace}
    every = persistence(host, tree(host.host_leaves), gaps)
    return Place(table.namespace, f"{name}-{table.port}", (parent,), table.port, (), tuple(every.items()))


def _origins(routes: Iterable[Route], host: HostIntent) -> Iterable[Origin]:
    return {origin for route in routes for origin in route.origins} or host.origins


def _check_codes(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> None:
    numbers = tuple(int(part) for part in re.findall(r"\d+", intent.mesh.version)[:2])
    if numbers and numbers < _MORE_CODES and needs_newer_code(host.routes):
        leaf = next((found for route in host.routes if (found := leaf_at(route.leaves, "traffic.redirect"))), None)
        gaps.error(
            "mesh-too-old", f"a redirect other than 301 and 302 needs version 1.5; {intent.mesh.version} is there", leaf
        )
