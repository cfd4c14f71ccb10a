"""What resources are called. Without colons, which the names of statistics lose."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.adapters.envoy.proxies import Proxy
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.refs import ServiceRef

OUTBOUND = "outbound"


def upstream(service: ServiceRef, port: int, subset: str = "") -> str:
    """The cluster of a port of a service, or of a part of it."""
    return ".".join(str(part) for part in (service.label, port, subset) if part)


def virtual_host(service: ServiceRef, port: int) -> str:
    return upstream(service, port)


def inbound(port: int) -> str:
    """Listener, route configuration and cluster of what arrives at a port."""
    return f"inbound.{port}"


def server_name(service: ServiceRef, port: int) -> str:
    """What a caller's proxy asks for over TLS."""
    return f"{port}.{service.label}"


def domains(service: ServiceFacts, hosts: tuple[str, ...], port: PortFacts, proxy: Proxy) -> tuple[str, ...]:
    """By which names a proxy knows a port of a service: without a port only its first one that speaks HTTP."""
    names = dict.fromkeys(_names(service.ref, hosts, proxy))
    first = next((one for one in service.ports if is_http(one)), port)
    bare = tuple(names) if first.number == port.number else ()
    return (*bare, *(f"{name}:{port.number}" for name in names))


def _names(service: ServiceRef, hosts: tuple[str, ...], proxy: Proxy) -> Iterator[str]:
    if service.host:
        yield service.host
    else:
        yield service.label
        if service.namespace == proxy.namespace:
            yield service.name
    yield from hosts


def is_http(port: PortFacts) -> bool:
    """Whether requests are seen on a port; Git says what each speaks."""
    return port.app_protocol in ("http", "http2", "grpc")
