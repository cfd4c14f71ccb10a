"""From the entries of a route or mirror to backends: a service of the same cluster, its subset and port."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.compile.entries import route_entries
from reconciler.compile.notes import Notes
from reconciler.compile.ports import UnknownPort, service_ports
from reconciler.compile.site import Site
from reconciler.compile.subsets import nobody, wanted_subset
from reconciler.compile.targets import (
    destination,
    destination_unknown,
    host_service,
    service_unknown,
)
from reconciler.model.destinations import Subset
from reconciler.model.findings import Finding, Position, error, warning
from reconciler.model.intents import Backend
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf, RouteEntry


@dataclass(frozen=True, slots=True)
class Used:
    """A subset of a service that a policy routes to."""

    service: ServiceRef
    subset: Subset


@dataclass(frozen=True, slots=True)
class Backends:
    backends: tuple[Backend, ...] = ()
    used: tuple[Used, ...] = ()
    problems: tuple[Finding, ...] = ()


def resolve(leaf: Leaf, host: ServiceRef, site: Site, notes: Notes) -> Backends:
    """The backends of a leaf on one host; an entry without a service means the host itself."""
    backends: list[Backend] = []
    used: list[Used] = []
    problems: list[Finding] = []
    for entry in route_entries(leaf):
        refs, wrong = _services(entry, leaf, host, site)
        problems += wrong
        for ref in refs:
            made = _backend(entry, ref, leaf, site, notes)
            if isinstance(made, Finding):
                problems.append(made)
                continue
            backend, subset = made
            backends.append(backend)
            used += [Used(backend.service, subset)] if subset else []
    return Backends(tuple(backends), tuple(used), tuple(problems))


def _services(entry: RouteEntry, leaf: Leaf, host: ServiceRef, site: Site) -> tuple[list[ServiceRef], list[Finding]]:
    to, position = entry.to, _at(entry, leaf)
    refs, problems = list(to.services), []
    for name in to.destinations:
        doc = destination(name, leaf.policy.namespace, site)
        refs += site.meant(doc)[:1] if doc else []  # its hosts all lead to the same place
        problems += [] if doc else [destination_unknown(name, leaf.policy, position, site)]
    for name in to.hosts:
        refs.append(host_service(name, site))
    if not refs and not problems:
        refs = [host]
    if len(refs) > 1:
        message = f"one entry of {leaf.path} names several services: their weights would be unclear"
        problems.append(error("route-ambiguous", message, position, "write one entry for each service", leaf.policy))
    return refs[:1], problems


def _backend(
    entry: RouteEntry, ref: ServiceRef, leaf: Leaf, site: Site, notes: Notes
) -> tuple[Backend, Subset | None] | Finding:
    policy, position = leaf.policy, _at(entry, leaf)
    if ref.cluster not in ("", site.target.cluster):
        message = f"{policy} sends requests to {ref}, in another cluster: this needs federation, not supported yet"
        return warning("cross-cluster-route", message, position, "leave the cluster out to stay in the same", policy)
    service = site.here(ref)
    facts = site.service(service)
    if facts is None:
        notes.find(service_unknown(service, policy, position, site))
    subset = wanted_subset(entry.to, service, site, notes)
    if subset is not None and (empty := nobody(replace(subset, position=position), service, policy, site)):
        notes.find(empty)
    try:
        ports = service_ports(entry.to.ports, facts)
    except UnknownPort as reason:
        return warning("port-unknown", f"{policy}: {reason}", position, "", policy)
    if len(ports) > 1:
        message = f"one entry of {leaf.path} names several ports of {service.label}"
        return error("route-ambiguous", message, position, "write one port", policy)
    name = subset.name if subset else ""
    return Backend(service, entry.weight, name, ports[0] if ports else 0, entry.headers), subset


def _at(entry: RouteEntry, leaf: Leaf) -> Position:
    return entry.to.position if entry.to.position.path else leaf.position
