"""``backendRefs[]``: the Services that requests go to. The API always wants to know the port."""

from __future__ import annotations

from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.forwarding import has_subset
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.standard.filters import header_filters
from reconciler.adapters.standard.matches import MOST
from reconciler.adapters.standard.subsets import missing, name_of
from reconciler.model.intents import Backend, MeshIntent, Route

MAX_WEIGHT = 1_000_000


class References:
    """References from the routes of one namespace, for requests on one port (0: no port of a service)."""

    def __init__(self, intent: MeshIntent, namespace: str, port: int, gaps: Gaps) -> None:
        self.intent, self.namespace, self.port, self.gaps = intent, namespace, port, gaps

    def of(self, route: Route) -> list[dict[str, Any]]:
        shares = weights.whole([backend.weight for backend in route.backends])
        leaf = leaf_at(route.leaves, "traffic.route")
        if not any(shares):
            self.gaps.error("mesh-invalid-value", "the weights of a route are all 0", leaf)
        if any(share > MAX_WEIGHT for share in shares):
            self.gaps.error("mesh-invalid-value", f"the API takes weights up to {MAX_WEIGHT}", leaf)
        if len(shares) > MOST:
            self.gaps.error("mesh-inexpressible", f"the API takes at most {MOST} destinations, not {len(shares)}", leaf)
        return [
            self.one(backend)
            | ({"weight": share} if len(shares) > 1 else {})
            | ({"filters": done} if (done := header_filters(backend.headers, self.gaps)) else {})
            for backend, share in zip(route.backends, shares, strict=True)
        ]

    def one(self, backend: Backend) -> dict[str, Any]:
        """A reference to a Service, or to that of its subset."""
        service, name = backend.service, backend.service.name
        if service.host:
            self.gaps.error("mesh-inexpressible", f"the API sends requests to Services only, not to {service.label}")
        if backend.subset:
            name = part_of(backend, self.intent, self.gaps)
        port = port_of(backend, self.intent, self.port, self.gaps)
        native: dict[str, Any] = {"group": "", "kind": "Service", "name": name, "port": port}
        return native | ({"namespace": service.namespace} if service.namespace != self.namespace else {})


def part_of(backend: Backend, intent: MeshIntent, gaps: Gaps) -> str:
    """The Service of the subset that a route sends to."""
    service = backend.service
    if not has_subset(backend, intent):
        gaps.error("subset-unknown", f"no subset {backend.subset!r} of {service} is defined")
    elif problem := missing(intent.cluster.service(service.name, service.namespace), service):
        gaps.error("workloads-unknown", problem)
    return name_of(service, backend.subset, intent)


def port_of(backend: Backend, intent: MeshIntent, own: int, gaps: Gaps, whose: str = "the API") -> int:
    """The one that is asked for, else the only one, else that of the caller (``own``). ``whose`` word it is that there
    has to be one."""
    if backend.port:
        return backend.port
    service = backend.service
    facts = intent.cluster.service(service.name, service.namespace)
    numbers = [port.number for port in facts.ports] if facts else []
    if len(numbers) == 1:
        return numbers[0]
    if own in numbers:
        return own
    gaps.error(
        "port-needed",
        f"{whose} wants the port of {service.name}.{service.namespace}, and it is not known"
        " which of its ports is meant",
        hint="write the port in the entry of the route" if numbers else "it is written once the service is there",
    )
    return own or 1
