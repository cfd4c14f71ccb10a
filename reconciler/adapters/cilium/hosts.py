"""Routes of services: HTTPRoutes as Gateway API has them, as far as the mesh takes them.

The proxy of a node leads requests to a Service that has a route in its own namespace; a route in the namespace of the
callers is refused (Documentation/network/servicemesh/gateway-api/gamma.rst). GRPCRoutes of Services are newer than
HTTPRoutes (operator/pkg/gateway-api/gamma_reconcile.go of 1.18 lists HTTPRoutes only), so a call is a path here.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.cilium.lacks import tell_lacks
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.standard.hosts import objects_of
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The objects of all services. One with something that cannot be said has none."""
    for host in intent.hosts:
        gaps = Gaps()
        yield built(_objects(host, intent, gaps), gaps, host.origins, intent, host.service)


def _objects(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    for route in host.routes:
        if route.sources:
            told = f"the mesh has routes for all callers of {host.service.label} only, not for some of them"
            gaps.about(route.askers.match).error("mesh-inexpressible", told)
        tell_lacks(route.leaves, gaps)
    for leaf in host.host_leaves:
        if leaf.path.startswith("traffic.loadBalancing"):
            gaps.error("mesh-inexpressible", "the mesh keeps no sessions by cookies for routes", leaf)
    return [] if gaps.blocking else objects_of(host, intent, gaps, grpc=False)
