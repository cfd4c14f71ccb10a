"""Ports of services as policies name them, and the one that is called."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.intents import MeshIntent

_SPOKEN = {"HTTP": "http", "HTTP2": "http2", "GRPC": "grpc"}


@dataclass(frozen=True, slots=True)
class Called:
    """The port of a service that is called."""

    service: ServiceFacts
    port: PortFacts


def facts_of(destination: DestinationIntent, intent: MeshIntent) -> ServiceFacts | None:
    """Of a service of the mesh, or of a host outside of it as its document describes that."""
    service = destination.service
    if not destination.external:
        return intent.cluster.service(service.name, service.namespace)
    ports = (
        PortFacts(one.number, one.name, one.target or one.number, "TCP", _SPOKEN.get(one.protocol, "tcp"))
        for one in destination.ports
    )
    return ServiceFacts(service, ports=tuple(ports))


def number_of(port: int | str, service: ServiceFacts) -> int | None:
    """None for a name that no port has."""
    if isinstance(port, int):
        return port
    return next((one.number for one in service.ports if one.name == port), None)
