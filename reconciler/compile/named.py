"""Destination documents on one target: which hosts they name, where these lie, and the facts that policies need."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.model.destinations import Destination, DestinationPort
from reconciler.model.documents import View
from reconciler.model.facts import MeshFacts, PortFacts, ServiceFacts
from reconciler.model.membership import covers
from reconciler.model.refs import ServiceRef, TargetId
from reconciler.model.selectors import MeshSet

_APP_PROTOCOLS = {"HTTP": "http", "HTTPS": "https", "HTTP2": "http2", "GRPC": "grpc", "TCP": "tcp", "TLS": "tls"}


def is_here(doc: Destination, target: TargetId, view: View) -> bool:
    """Whether a target has a destination: it is a member of the virtual mesh that the document names, if any."""
    return not doc.virtual_mesh or covers(MeshSet(virtual_meshes=(doc.virtual_mesh,)), target, view)


def references(doc: Destination, target: TargetId, mesh: MeshFacts) -> tuple[ServiceRef, ...]:
    """What a document stands for on a target: the service that it is about or declares, or each of its hosts.

    The objects of a host lie with the pods or machines that answer for it, else where those of the whole mesh lie.
    """
    if doc.service is not None:
        return (ServiceRef(doc.service.name, doc.service.namespace, doc.service.cluster or target.cluster),)
    if mesh.declared and doc.in_mesh:
        return (ServiceRef(doc.ref.name, home_of(doc), target.cluster),)
    namespace = _home(doc) or mesh.root_namespace or mesh.namespace
    return tuple(ServiceRef(doc.ref.name, namespace, target.cluster, host) for host in doc.hosts)


def home_of(doc: Destination) -> str:
    """The namespace of a service that a document declares: that of its accounts, else the document's own."""
    return _home(doc) or doc.ref.namespace


def _home(doc: Destination) -> str:
    """The namespace of the services or of the accounts that answer; "" where there is not exactly one."""
    named = {ref.namespace for item in doc.services for ref in item.services}
    accounts = {one.account.namespace for one in doc.endpoints if one.account is not None}
    homes = named | accounts
    return homes.pop() if len(homes) == 1 else ""


def bare_host(host: str, target: TargetId, mesh: MeshFacts) -> ServiceRef:
    """A host that no document names."""
    name = re.sub(r"[^a-z0-9.-]+", "-", host.replace("*", "any"))
    return ServiceRef(name, mesh.root_namespace or mesh.namespace, target.cluster, host)


def facts_of(docs: Iterable[Destination], target: TargetId, view: View, mesh: MeshFacts) -> dict[str, ServiceFacts]:
    """Facts of every named host, by host. Of two documents with one host the first by name counts; both are told."""
    found: dict[str, ServiceFacts] = {}
    for doc in sorted(docs, key=lambda one: one.ref):
        if doc.service is None and is_here(doc, target, view):
            ports = tuple(_port(port) for port in doc.ports)
            for ref in references(doc, target, mesh):
                for host in (ref.host,) if ref.host else doc.hosts:
                    found.setdefault(host, ServiceFacts(ref, ports=ports))
    return found


def _port(port: DestinationPort) -> PortFacts:
    return PortFacts(port.number, port.name, port.target or port.number, "TCP", _APP_PROTOCOLS.get(port.protocol, ""))
