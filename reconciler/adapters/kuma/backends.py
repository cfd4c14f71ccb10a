"""``backendRefs[]``: the MeshServices that requests go to, which the control plane makes of Services."""

from __future__ import annotations

from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.objects import to_service
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.standard.backends import part_of, port_of
from reconciler.model.intents import Backend, MeshIntent, Route


class References:
    """References from a policy of a namespace, for requests on one port of a service."""

    def __init__(self, intent: MeshIntent, namespace: str, port: int) -> None:
        self.intent, self.namespace, self.port = intent, namespace, port

    def of(self, route: Route, gaps: Gaps) -> list[dict[str, Any]]:
        """Weights are relative; the mesh's own default is 1, so they are always written."""
        shares = weights.whole([backend.weight for backend in route.backends])
        if not any(shares):
            leaf = leaf_at(route.leaves, "traffic.route")
            gaps.error("mesh-invalid-value", "the weights of a route are all 0", leaf)
        return [self.one(one, gaps) | {"weight": share} for one, share in zip(route.backends, shares, strict=True)]

    def one(self, backend: Backend, gaps: Gaps) -> dict[str, Any]:
        """A reference to a service, or to the Service of its subset."""
        service = backend.service
        if backend.headers:
            gaps.error("mesh-inexpressible", "the mesh cannot change headers on the way to one destination only")
        native = to_service(service, self.namespace)
        if service.host:
            gaps.error("mesh-inexpressible", f"routes to {service.label}, outside of the mesh, are not carried yet")
        if backend.subset:
            native["name"] = part_of(backend, self.intent, gaps)
        return native | {"port": port_of(backend, self.intent, self.port, gaps, "the mesh")}
