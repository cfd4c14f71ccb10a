"""Ports of services as policies name them, and the one that is called."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.facts import PortFacts, ServiceFacts


@dataclass(frozen=True, slots=True)
class Called:
    """The port of a service that is called."""

    service: ServiceFacts
    port: PortFacts


def number_of(port: int | str, service: ServiceFacts) -> int | None:
    """None for a name that no port has."""
    if isinstance(port, int):
        return port
    return next((one.number for one in service.ports if one.name == port), None)
