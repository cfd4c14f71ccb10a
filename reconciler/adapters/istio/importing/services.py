"""Hosts and selectors as services, and ports of workloads as ports of a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Selected:
    """A service whose workloads an object is about, those with the labels of ``part`` where there are some."""

    facts: ServiceFacts
    part: Mapping[str, str]

    def target(self, scene: Scene) -> Any:
        short = scene.short(self.facts.ref)
        return {"services": [short], "subset": dict(sorted(self.part.items()))} if self.part else short


def selected(body: Body, scene: Scene) -> Selected:
    """The service that selects exactly the workloads that the object does, or of which these are a part."""
    labels, namespace = labels_of(body), namespace_of(body)
    if not labels:
        raise Unsayable(f"it is about all workloads of namespace {namespace}; policies are about services")
    for known in sorted(scene.cluster.services, key=lambda one: (-len(one.selector), one.ref)):
        if known.ref.namespace == namespace and known.selector and known.selector.items() <= labels.items():
            part = {key: value for key, value in labels.items() if key not in known.selector}
            return Selected(known, part)
    raise Unsayable(f"no known service of namespace {namespace} selects workloads with {worded(labels)}")


def service_port(number: int, known: ServiceFacts, scene: Scene) -> int:
    """The port of a service that leads to this port of its workloads and to no other."""
    for port in known.ports:
        if workload_ports(port, known, scene.cluster) == {number}:
            return port.number
    raise Unsayable(f"no port of service {known.ref.name} leads to port {number} of its workloads")
