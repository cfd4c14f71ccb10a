"""``weightedTargets[]``: the VirtualNodes that requests go to, those that are there and those that we add.

One that we add names a host and selects no pods, as the API describes services outside of a mesh: callers' proxies
reach the Service by it, and nothing changes for the pods behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.appmesh import accounts
from reconciler.adapters.appmesh.kinds import VIRTUAL_NODE
from reconciler.adapters.appmesh.nodes import STANDS_FOR, Node, known
from reconciler.adapters.appmesh.ports import Port, node_ports
from reconciler.adapters.envelopes import build, label_name
from reconciler.adapters.forwarding import has_subset
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.standard.subsets import missing, name_of
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import Backend, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef

#: most targets of a route, and the most that their weights may add up to
MAX_TARGETS = 10
MAX_WEIGHT = 100


@dataclass(frozen=True, slots=True)
class Added:
    """A VirtualNode that has to be there: for a service, or for the Service of one of its subsets."""

    service: ServiceRef
    subset: str


@dataclass(slots=True)
class Targets:
    """Of the routes of a host in ``namespace``; what has to be added is gathered in ``added``."""

    intent: MeshIntent
    namespace: str
    added: dict[Added, None] = field(default_factory=dict)

    def of(self, route: Route, port: Port, gaps: Gaps) -> list[dict[str, Any]]:
        """The targets of a route, for requests on a port of the host."""
        leaf = leaf_at(route.leaves, "traffic.route")
        said = [backend.weight for backend in route.backends]
        if not any(said):
            gaps.error("mesh-invalid-value", "the weights of a route are all 0", leaf)
            return []
        if len(said) > MAX_TARGETS:
            gaps.error("mesh-inexpressible", f"the mesh takes at most {MAX_TARGETS} targets of a route", leaf)
        if any(backend.headers for backend in route.backends):
            gaps.error("mesh-inexpressible", "the mesh cannot change headers of requests", leaf)
        shares = weights.whole(said)
        shares = shares if sum(shares) <= MAX_WEIGHT else weights.of_hundred(said)
        asked = gaps.about(route.askers.backends)
        return [
            self.one(one, port, asked) | {"weight": share} for one, share in zip(route.backends, shares, strict=True)
        ]

    def home(self, service: ServiceRef, port: Port, gaps: Gaps) -> dict[str, Any]:
        """All that comes to a port, to the service itself."""
        return self.one(Backend(service, MAX_WEIGHT), port, gaps) | {"weight": MAX_WEIGHT}

    def one(self, backend: Backend, port: Port, gaps: Gaps) -> dict[str, Any]:
        """A reference to a VirtualNode; with the port where it has several."""
        service = backend.service
        facts = self.intent.cluster.service(service.name, service.namespace)
        if service.host or facts is None:
            told = f"the mesh sends requests to Services that are there only, not to {service.label}"
            gaps.error("mesh-inexpressible" if service.host else "port-needed", told)
            return {}
        number = _port(backend, facts, port, gaps)
        if backend.subset and not has_subset(backend, self.intent):
            gaps.error("subset-unknown", f"no subset {backend.subset!r} of {service} is defined")
            return {}
        if accounts.in_account(facts):
            return self._served(backend, facts, number, gaps)
        if (node := existing(backend, facts, self.intent)) is not None:
            return self._reference(node.name, node.namespace) | _node_port(node, number, backend, gaps)
        if backend.subset and (problem := missing(facts, service)):
            gaps.error("workloads-unknown", problem)
        self.added[Added(service, backend.subset)] = None
        several = len(node_ports(facts, self.intent)) > 1
        name = added_name(Added(service, backend.subset))
        return self._reference(name, service.namespace) | ({"port": number} if several else {})

    def _served(self, backend: Backend, facts: ServiceFacts, number: int, gaps: Gaps) -> dict[str, Any]:
        """By the API nodes are never added: what they reach is for whoever runs the service to say."""
        found = accounts.serving(facts, self.intent.cluster, _part(backend, self.intent))
        if len(found) != 1:
            asked = f"subset {backend.subset!r} of {facts.ref.label}" if backend.subset else facts.ref.label
            names = ", ".join(one.name for one in found) or "none"
            told = f"the mesh sends requests to one VirtualNode, and those of {asked} are: {names}"
            hint = "say in `route` which parts of it, by tags of the nodes or as virtualNode: NAME"
            gaps.error("mesh-inexpressible", told, hint=hint)
            return {}
        node = accounts.node(found[0], self.intent)
        return self._reference(node.name, node.namespace) | _node_port(node, number, backend, gaps)

    def _reference(self, name: str, namespace: str) -> dict[str, Any]:
        return {"virtualNodeRef": {"name": name} | ({"namespace": namespace} if namespace != self.namespace else {})}


def added_name(added: Added) -> str:
    """``to-reviews-v1``."""
    readable = "-".join(part for part in ("to", added.service.name, added.subset) if part)
    return label_name(readable, (added.service.namespace, added.service.name, added.subset))


def added_node(added: Added, intent: MeshIntent, origins: Iterable[Origin]) -> NativeObject:
    """The VirtualNode for a service that is there."""
    service = added.service
    facts = intent.cluster.service(service.name, service.namespace)
    assert facts is not None
    name = name_of(service, added.subset, intent) if added.subset else service.name
    spec = {
        "listeners": [
            {"portMapping": {"port": port.number, "protocol": port.protocol}} for port in node_ports(facts, intent)
        ],
        "serviceDiscovery": {"dns": {"hostname": host_name(name, service.namespace, intent.cluster_domain)}},
    }
    made = build(intent, VIRTUAL_NODE, service.namespace, added_name(added), spec, origins)
    metadata = made.body["metadata"] | {"labels": {STANDS_FOR: name}}
    return NativeObject(made.key, made.kind, {**made.body, "metadata": metadata}, made.origins)


def host_name(service: str, namespace: str, domain: str) -> str:
    """What callers dial."""
    return f"{service}.{namespace}.svc.{domain}"


def existing(backend: Backend, facts: ServiceFacts, intent: MeshIntent) -> Node | None:
    """The node of somebody that reaches exactly what a backend means; one beside the service before others."""
    found = [node for node in known(intent.mesh) if _reaches(node, backend, facts, intent)]
    return min(found, key=lambda node: (node.namespace != facts.ref.namespace, node), default=None)


def _reaches(node: Node, backend: Backend, facts: ServiceFacts, intent: MeshIntent) -> bool:
    """By the Service that its host names; where Cloud Map finds the pods, by their labels."""
    wanted = {**facts.selector, **_part(backend, intent)}
    if not node.hostname:
        return bool(wanted) and node.namespace == facts.ref.namespace and dict(node.pods or ()) == wanted
    if not backend.subset:
        return node.hostname == host_name(facts.ref.name, facts.ref.namespace, intent.cluster_domain)
    other = service_named(node.hostname, intent)
    return other is not None and other.ref.namespace == facts.ref.namespace and dict(other.selector) == wanted


def _part(backend: Backend, intent: MeshIntent) -> dict[str, str]:
    hosts = intent.hosts_by_name.get((backend.service.name, backend.service.namespace), ())
    found = (dict(one.labels) for host in hosts for one in host.subsets if one.name == backend.subset)
    return next(found, {})


def service_named(hostname: str, intent: MeshIntent) -> ServiceFacts | None:
    """The Service that a host names in full."""
    name, _, rest = hostname.partition(".")
    namespace, _, tail = rest.partition(".")
    return intent.cluster.service(name, namespace) if tail == f"svc.{intent.cluster_domain}" else None


def _port(backend: Backend, facts: ServiceFacts, port: Port, gaps: Gaps) -> int:
    """The one that is asked for, else the only one, else that of the caller."""
    numbers = [one.number for one in facts.ports]
    if backend.port or len(numbers) == 1:
        return backend.port or numbers[0]
    if port.number not in numbers:
        told = f"the mesh wants the port of {facts.ref.label}, and it is not known which of its ports is meant"
        gaps.error("port-needed", told, hint="write the port in the entry of the route")
    return port.number


def _node_port(node: Node, number: int, backend: Backend, gaps: Gaps) -> dict[str, int]:
    """A node of somebody listens where its pods do; with one listener there is no choice."""
    numbers = [port for port, _ in node.ports]
    if len(numbers) == 1 and not backend.port:
        return {}
    if number not in numbers:
        told = f"VirtualNode {node.name} of {node.namespace} has no listener on port {number}"
        gaps.error("port-needed", told, hint="add the listener, or name another port")
    return {"port": number} if len(numbers) > 1 else {}
