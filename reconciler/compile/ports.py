"""Ports as they are written (number or name, of a service) to the numbers that are matched: service's or workload's."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.compile.site import Site, behind
from reconciler.model.facts import PortFacts, ServiceFacts

Port = int | str


class UnknownPort(Exception):
    """A port that the service does not have, or whose number at the workload nobody knows."""


def service_ports(ports: Iterable[Port], service: ServiceFacts | None) -> tuple[int, ...]:
    """The numbers that callers use, sorted. A number passes for a service that does not exist yet."""
    found = set()
    for port in ports:
        if service is None and isinstance(port, int):
            found.add(port)
        else:
            found.add(_named(port, service).number)
    return tuple(sorted(found))


def workload_ports(ports: Iterable[Port], service: ServiceFacts, site: Site) -> tuple[int, ...]:
    """The numbers that the pods behind a service listen on, sorted; several where its workloads differ."""
    found: set[int] = set()
    for port in ports:
        known = _named(port, service)
        if isinstance(known.target, int):
            found.add(known.target or known.number)
            continue
        workloads = behind(service, site.cluster)
        numbers = {item.container_ports[known.target] for item in workloads if known.target in item.container_ports}
        if not numbers:
            raise UnknownPort(
                f"port {port} of {service.ref.label} goes to the container port "
                f"named {known.target}, which none of its workloads has"
            )
        found |= numbers
    return tuple(sorted(found))


def _named(port: Port, service: ServiceFacts | None) -> PortFacts:
    if service is None:
        raise UnknownPort(f"port {port} is a name, and the service does not exist yet")
    for known in service.ports:
        if port in (known.number, known.name):
            return known
    have = ", ".join(f"{known.number} {known.name}".strip() for known in service.ports) or "none"
    raise UnknownPort(f"{service.ref.label} has no port {port} (it has {have})")
