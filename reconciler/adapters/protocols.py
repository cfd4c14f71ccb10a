"""What a service port speaks, by the conventions of Kubernetes that every mesh reads: appProtocol, then the name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from reconciler.model.facts import ClusterFacts, PortFacts, ServiceFacts

_HTTP = {"http", "http2", "grpc", "grpc-web", "h2c", "kubernetes.io/h2c", "kubernetes.io/ws"}
_HTTP2 = {"http2", "grpc", "grpc-web", "h2c", "kubernetes.io/h2c"}
_OPAQUE = {
    "tcp",
    "tls",
    "https",
    "mongo",
    "mysql",
    "redis",
    "postgres",
    "postgresql",
    "kafka",
    "amqp",
    "kubernetes.io/wss",
}
_TLS = {"tls", "https", "kubernetes.io/wss"}


class Speech(StrEnum):
    HTTP = "http"
    OPAQUE = "opaque"  # declared to be something in which no request can be seen
    UNDECLARED = "undeclared"  # found out per connection
    UDP = "udp"


def is_http2(port: PortFacts) -> bool:
    """Whether a port is declared to take HTTP/2, which gRPC needs."""
    return speech(port) is Speech.HTTP and _said(port) in _HTTP2


def _said(port: PortFacts) -> str:
    return port.app_protocol.lower() or _named(port.name.lower())


def speech(port: PortFacts) -> Speech:
    if port.protocol.upper() != "TCP":
        return Speech.UDP
    said = _said(port)
    if said in _HTTP:
        return Speech.HTTP
    return Speech.OPAQUE if said in _OPAQUE else Speech.UNDECLARED


def is_tls(port: PortFacts) -> bool:
    """Whether a port is declared to take TLS that callers make."""
    return _said(port) in _TLS


def _named(name: str) -> str:
    """``http-web`` says http, ``grpc-web`` and ``grpc-web-ui`` say grpc-web."""
    if name == "grpc-web" or name.startswith("grpc-web-"):
        return "grpc-web"
    return name.partition("-")[0]


def workload_ports(port: PortFacts, service: ServiceFacts, cluster: ClusterFacts) -> frozenset[int]:
    """The container ports behind a service port; empty when it is a name that no known workload declares."""
    if isinstance(port.target, int):
        return frozenset({port.target or port.number})
    return frozenset(
        workload.container_ports[port.target]
        for workload in (cluster.workloads_with(service.ref.namespace, service.selector) if service.selector else ())
        if port.target in workload.container_ports
    )


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def all_opaque(ports: Iterable[PortFacts]) -> bool:
    """Whether there are ports and no request can be seen on any of them."""
    spoken = {speech(port) for port in ports} - {Speech.UDP}
    return spoken == {Speech.OPAQUE}
