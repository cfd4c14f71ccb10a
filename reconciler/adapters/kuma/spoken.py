"""What a service port speaks for this mesh: its appProtocol, else what an annotation of the Service says, else TCP,
whatever its name (pkg/plugins/runtime/k8s/controllers, ProtocolTagFor)."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.protocols import Speech, speech
from reconciler.model.facts import MeshFacts, PortFacts
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.refs import ServiceRef

_HTTP = ("http", "http2", "grpc", "kubernetes.io/h2c")
_KNOWN = (*_HTTP, "tcp", "kafka", "tls")


def protocol(port: PortFacts, host: HostIntent, intent: MeshIntent) -> str:
    """In the mesh's words, "" where nobody says it, which it takes for TCP."""
    return _said(port, host.service, intent.mesh)


def _said(port: PortFacts, service: ServiceRef, mesh: MeshFacts) -> str:
    said = port.app_protocol.lower()
    if said in _KNOWN:
        return said
    return mesh.settings.get(f"protocol.{service.namespace}/{service.name}:{port.number}", "")


def http_ports(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Sequence[PortFacts]:
    """The ports to which requests can be routed. A name alone says nothing to this mesh: routes make the callers read
    such a port as HTTP, but nothing else does."""
    ports = [
        port for port in (host.facts.ports if host.facts else ()) if carries_requests(port, host.service, intent.mesh)
    ]
    silent = [port for port in ports if not protocol(port, host, intent)]
    if silent:
        numbers = ", ".join(str(port.number) for port in silent)
        gaps.warning(
            "http-route-on-tcp",
            f"the mesh takes port {numbers} of {host.service.label} for TCP, whatever its name: "
            "timeouts and retries of requests do not hold there",
            hint="set appProtocol of the port in the Service",
        )
    return ports


def carries_requests(port: PortFacts, service: ServiceRef, mesh: MeshFacts) -> bool:
    """Whether requests may be seen on a port; an undeclared one is taken at its name."""
    said = _said(port, service, mesh)
    return said in _HTTP if said else speech(port) in (Speech.HTTP, Speech.UNDECLARED)


def is_declared(port: PortFacts, service: ServiceRef, mesh: MeshFacts) -> bool:
    """Whether the mesh knows what a port speaks without a route that tells it."""
    return bool(_said(port, service, mesh))


def speaks_grpc(ports: Sequence[PortFacts], host: HostIntent, intent: MeshIntent) -> tuple[bool, bool]:
    """Whether there are ports that speak gRPC, and whether there are others."""
    grpc = [(protocol(port, host, intent) or port.name.partition("-")[0]) == "grpc" for port in ports]
    return any(grpc), not all(grpc) or not grpc


def section_name(port: PortFacts) -> str:
    """By which a policy means one port: its name, or its number where it has none."""
    return port.name or str(port.number)
