"""What is written for a service that is called: the routes to it, a Service for each subset that routes send to, and
annotations of the Service itself for what holds for all of its endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.linkerd import accrual, opaque
from reconciler.adapters.linkerd.callers import merged
from reconciler.adapters.linkerd.capabilities import carried
from reconciler.adapters.linkerd.kinds import SERVICE
from reconciler.adapters.linkerd.lending import keys
from reconciler.adapters.linkerd.routes import Place, objects
from reconciler.adapters.standard import subsets
from reconciler.adapters.standard.tables import Table, tables
from reconciler.model.intents import HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all services. One with something that cannot be said has none."""
    for host in intent.hosts:
        gaps = Gaps()
        yield built(objects_of(host, intent, gaps), gaps, host.origins, intent, host.service)


def objects_of(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    lacking = Gaps()
    host = _carried(host, lacking)
    made = list(subsets.services(host, intent, gaps))
    for table in merged(tables(_without_leaves(opaque.as_said(host, intent)), gaps), host.service.namespace, gaps):
        if table.rejects and not table.routes:
            told = f"the mesh cannot answer all requests to {host.service.label} with 404: a route has to take some"
            gaps.about(_rejecting(host)).error("mesh-inexpressible", told)
        elif table.routes:
            made += objects(table.routes, _place(table, host), intent, _origins(table.routes, host), gaps)
    if said := accrual.asked_of(host, gaps) | opaque.asked_of(host, intent, gaps):
        made.append(keys(SERVICE, host.service.namespace, host.service.name, said, host.origins))
    gaps.found.extend(lacking.found)
    return made


def _carried(host: HostIntent, gaps: Gaps) -> HostIntent:
    """The host with what the mesh can carry of it; all else is told."""
    for route in host.routes:
        if route.mirrors:
            gaps.about(route.askers.mirrors).error("mesh-inexpressible", "the mesh refuses the filter RequestMirror")
    routes = tuple(replace(route, mirrors=(), leaves=carried(route.leaves, gaps)) for route in host.routes)
    return replace(host, routes=routes, host_leaves=carried(host.host_leaves, gaps))


def _without_leaves(host: HostIntent) -> HostIntent:
    """What holds for a service as a whole lies on the Service here, and asks for no routes."""
    return replace(host, host_leaves=())


def _rejecting(host: HostIntent) -> Iterable[Origin]:
    return [origin for route in host.routes if route.reject for origin in route.askers.match]


def _place(table: Table, host: HostIntent) -> Place:
    service, own = host.service, table.namespace == host.service.namespace
    name = service.name if own else f"{service.name}.{service.namespace}"
    parent: dict[str, Any] = {"group": "", "kind": "Service", "name": service.name, "port": table.port}
    parent |= {} if own else {"namespace": service.namespace}
    return Place(table.namespace, f"{name}-{table.port}", parent, table.port)


def _origins(routes: Iterable[Route], host: HostIntent) -> Iterable[Origin]:
    return {origin for route in routes for origin in route.origins} or host.origins
