"""``backendRefs[]``: the MeshServices that requests go to, which the control plane makes of Services."""

from __future__ import annotations

from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.forwarding import has_subset
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.objects import to_service
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.standard.subsets import missing, name_of
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
            native["name"] = self._part(backend, gaps)
        return native | {"port": self._port(backend, gaps)}

    def _part(self, backend: Backend, gaps: Gaps) -> str:
        service = backend.service
        facts = self.intent.cluster.service(service.name, service.namespace)
        if not has_subset(backend, self.intent):
            gaps.error("subset-unknown", f"no subset {backend.subset!r} of {service} is defined")
        elif problem := missing(facts, service):
            gaps.error("workloads-unknown", problem)
        return name_of(service, backend.subset, self.intent)

    def _port(self, backend: Backend, gaps: Gaps) -> int:
        """The one that is asked for, else the only one, else that of the caller."""
        if backend.port:
            return backend.port
        facts = self.intent.cluster.service(backend.service.name, backend.service.namespace)
        numbers = [port.number for port in facts.ports] if facts else []
        if len(numbers) == 1:
            return numbers[0]
        if self.port in numbers:
            return self.port
        label = f"{backend.service.name}.{backend.service.namespace}"
        gaps.error(
            "port-needed",
            f"the mesh wants the port of {label}, and it is not known which of its ports is meant",
            hint="write the port in the entry of the route" if numbers else "it is written once the service is there",
        )
        return self.port or 1
