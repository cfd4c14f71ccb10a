"""What is written for a service: the routes to it, and a Service for each subset that routes send to. All of it or
nothing, since a reference to a Service that is not there answers 500."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import tree
from reconciler.adapters.standard import subsets
from reconciler.adapters.standard.resilience import persistence
from reconciler.adapters.standard.routes import Place, objects
from reconciler.adapters.standard.tables import Table, tables
from reconciler.adapters.standard.written import HTTP_ROUTE
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject

#: by which a route binds to one port of a service; without it, it binds to all of them
_PORT = "spec.parentRefs.port"


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all services. One with something that cannot be said has none."""
    for host in intent.hosts:
        gaps = Gaps()
        yield built(objects_of(host, intent, gaps), gaps, host.origins, intent, host.service)


def objects_of(host: HostIntent, intent: MeshIntent, gaps: Gaps, *, grpc: bool = True) -> list[NativeObject]:
    """The objects of one service, with what cannot be said or will not do what was asked in ``gaps``. ``grpc``: whether
    the mesh takes GRPCRoutes of services; calls are paths of an HTTPRoute where it does not."""
    host = _with_route(host)
    made = list(subsets.services(host, intent, gaps))
    for table in tables(host, gaps):
        if table.rejects and not table.routes:
            message = f"the API cannot answer all requests to {host.service.label} with 404: a route has to take some"
            gaps.about(_rejecting(host)).error("mesh-inexpressible", message)
        elif table.routes:
            place = replace(_place(table, host, intent, gaps), grpc=grpc)
            made += objects(table.routes, place, intent, _origins(table.routes, host), gaps)
    return made


def _rejecting(host: HostIntent) -> Iterable[Origin]:
    return [origin for route in host.routes if route.reject for origin in route.askers.match]


def _with_route(host: HostIntent) -> HostIntent:
    """What holds for a service as a whole lies on routes here, so that there must be one."""
    if host.routes or not host.host_leaves:
        return host
    every = Route((), (), (Backend(host.service, 100),), (), (), host.origins)
    return replace(host, routes=(every,))


def _place(table: Table, host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Place:
    service, own = host.service, table.namespace == host.service.namespace
    name = service.name if own else f"{service.name}.{service.namespace}"
    parent: dict[str, Any] = {"group": "", "kind": "Service", "name": service.name}
    parent |= {"port": table.port} if _binds_to_ports(host, intent, gaps) else {}
    parent |= {} if own else {"namespace": service.namespace}
    every = persistence(host, tree(host.host_leaves), gaps)
    return Place(table.namespace, f"{name}-{table.port}", (parent,), table.port, (), tuple(every.items()))


def _binds_to_ports(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> bool:
    """Older definitions lack the field, and a server would leave it out without a word."""
    served = (intent.cluster.crds or {}).get(HTTP_ROUTE.kind)
    if served is None or served.fields is None or _PORT in served.fields:
        return True
    if host.facts is not None and len(host.facts.ports) > 1:
        told = f"routes cannot be bound to one port of {host.service.label} with the definitions that the cluster has"
        gaps.error("mesh-too-old", told, hint="upgrade the definitions")
    return False


def _origins(routes: Iterable[Route], host: HostIntent) -> Iterable[Origin]:
    return {origin for route in routes for origin in route.origins} or host.origins
