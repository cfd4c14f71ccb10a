"""Hosts and selectors as services, and ports of workloads as ports of a service."""

from __future__ import annotations

from reconciler.adapters.importing import Body, Scene, Unsayable
from reconciler.adapters.istio.meaning.names import labels_of, namespace_of, service_of, worded
from reconciler.adapters.protocols import workload_ports
from reconciler.model.facts import ServiceFacts
from reconciler.model.refs import ServiceRef


def service(host: str, body: Body, scene: Scene) -> ServiceRef:
    """The service of a host; Unsayable for other hosts."""
    found = service_of(host, namespace_of(body), scene)
    if found is None:
        raise Unsayable(f"host {host} is not a service of the cluster")
    return found


def own_service(host: str, body: Body, scene: Scene) -> ServiceRef:
    """... and only one of the object's own namespace, since who sees an object depends on where it lies."""
    found, namespace = service(host, body, scene), namespace_of(body)
    if found.namespace != namespace:
        raise Unsayable(f"it lies in namespace {namespace} and is about a service of {found.namespace}")
    return found


def selected(body: Body, scene: Scene) -> ServiceFacts:
    """The service that selects exactly the workloads that the object does."""
    labels, namespace = labels_of(body), namespace_of(body)
    if not labels:
        raise Unsayable(f"it is about all workloads of namespace {namespace}; policies are about services")
    for known in scene.cluster.services:
        if known.ref.namespace == namespace and dict(known.selector) == dict(labels):
            return known
    raise Unsayable(f"no known service of namespace {namespace} selects exactly {worded(labels)}")


def service_port(number: int, known: ServiceFacts, scene: Scene) -> int:
    """The port of a service that leads to this port of its workloads and to no other."""
    for port in known.ports:
        if workload_ports(port, known, scene.cluster) == {number}:
            return port.number
    raise Unsayable(f"no port of service {known.ref.name} leads to port {number} of its workloads")
