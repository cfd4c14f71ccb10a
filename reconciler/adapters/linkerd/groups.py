"""What is asked of the same workloads, whichever service they are meant by: the mesh has one Server for each of their
ports, so that all of it has to be said together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.linkerd import opaque
from reconciler.adapters.linkerd.kinds import ACCESS_POLICY, SERVER
from reconciler.adapters.linkerd.outside import is_outside
from reconciler.adapters.protocols import Speech, speech, workload_ports
from reconciler.adapters.served import has_field
from reconciler.model.facts import PortFacts, WorkloadFacts
from reconciler.model.intents import AccessIntent, HostIntent, MeshIntent, MtlsIntent, Origin
from reconciler.model.refs import ServiceRef

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The workloads with some labels in a namespace. ``hosts``: those of which requests are limited, or of which a
    policy says whether requests are looked for at all."""

    namespace: str
    labels: Labels
    services: tuple[ServiceRef, ...]
    access: tuple[AccessIntent, ...]
    mtls: tuple[MtlsIntent, ...]
    hosts: tuple[HostIntent, ...]

    @property
    def name(self) -> str:
        return self.services[0].name

    @property
    def origins(self) -> tuple[Origin, ...]:
        said = [*(one.origins for one in self.access), *(one.origins for one in self.mtls)]
        said += [route.origins for host in self.hosts for route in host.inbound if route.leaves]
        said += [opaque.origins(host) for host in self.hosts]
        return tuple(sorted({origin for origins in said for origin in origins}))

    def guards(self, service: ServiceRef) -> bool:
        """Whether anything is asked that keeps callers or requests out of it."""
        limited = (host.service for host in self.hosts if any(route.leaves for route in host.inbound))
        named = (*(one.service for one in self.access), *(one.service for one in self.mtls), *limited)
        return service in named

    def workloads(self, intent: MeshIntent) -> tuple[WorkloadFacts, ...]:
        return intent.cluster.workloads_with(self.namespace, dict(self.labels)) if self.labels else ()


@dataclass(frozen=True, slots=True)
class Port:
    """One port of a group. ``name``: of its Server."""

    group: Group
    number: int
    speech: Speech
    name: str
    strict: bool


def groups(intent: MeshIntent) -> list[Group]:
    """By namespace and labels. A host of which nothing is asked here is in none."""
    access: dict[tuple[str, Labels], list[AccessIntent]] = {}
    mtls: dict[tuple[str, Labels], list[MtlsIntent]] = {}
    hosts: dict[tuple[str, Labels], list[HostIntent]] = {}
    for rule in intent.access:
        access.setdefault((rule.service.namespace, _labels(rule.selector)), []).append(rule)
    for mode in intent.mtls:
        if mode.service is not None:
            mtls.setdefault((mode.service.namespace, _labels(mode.selector)), []).append(mode)
    for host in intent.hosts:
        if any(route.leaves for route in host.inbound) or _is_told(host, intent):
            selector = host.facts.selector if host.facts else {}
            hosts.setdefault((host.service.namespace, _labels(selector)), []).append(host)
    return [
        _group(place, access.get(place, ()), mtls.get(place, ()), hosts.get(place, ()))
        for place in sorted({*access, *mtls, *hosts})
    ]


def _is_told(host: HostIntent, intent: MeshIntent) -> bool:
    """Whether proxies of its workloads have to be told what it speaks: callers are told by the Service."""
    if not opaque.origins(host) or host.facts is None or not host.facts.selector:
        return False
    return has_field(SERVER, ACCESS_POLICY, intent.cluster.crds) and not is_outside(host.service, intent)


def _group(
    place: tuple[str, Labels],
    access: Iterable[AccessIntent],
    mtls: Iterable[MtlsIntent],
    hosts: Iterable[HostIntent],
) -> Group:
    rules, modes, limited = tuple(access), tuple(mtls), tuple(hosts)
    named = [one.service for one in rules] + [one.service for one in limited]
    named += [one.service for one in modes if one.service]
    services = tuple(sorted(set(named), key=lambda one: (one.name, one.host)))
    return Group(*place, services, rules, modes, limited)


def _labels(selector: Mapping[str, str]) -> Labels:
    return tuple(sorted(selector.items()))


def ports(group: Group, intent: MeshIntent, gaps: Gaps) -> dict[int, Speech]:
    """The ports of the workloads that any service leads to, and those that the pods name, with what they speak."""
    found: dict[int, Speech] = {}
    asked = frozenset[int]()
    for service in group.services:
        for facts, port in opaque.ports_of(service, intent):
            if speech(port) is Speech.UDP:
                continue
            numbers = workload_ports(port, facts, intent.cluster)
            if not numbers:
                told = (
                    f"no known workload of {service.label} has the port {port.target!r}, and a Server needs its number"
                )
                gaps.error("workloads-unknown", told)
            for number in numbers:
                found[number] = _both(found.get(number), port)
            asked |= numbers if opaque.is_asked(service, intent) else frozenset()
    for workload in group.workloads(intent) if any(map(group.guards, group.services)) else ():
        for number in workload.container_ports.values():
            found.setdefault(number, Speech.UNDECLARED)
    return {number: Speech.OPAQUE if number in asked else spoken for number, spoken in sorted(found.items())}


def _both(known: Speech | None, port: PortFacts) -> Speech:
    """Where two services say different things of one port, the proxy finds out."""
    said = speech(port)
    return said if known in (None, said) else Speech.UNDECLARED


def check_overlap(group: Group, others: Iterable[Group], intent: MeshIntent, gaps: Gaps) -> None:
    """Two Servers for one port of a pod: the mesh takes one of them."""
    mine = {id(one) for one in group.workloads(intent)}
    for other in others:
        if other is group or other.namespace != group.namespace:
            continue
        if shared := sorted(one.name for one in other.workloads(intent) if id(one) in mine):
            told = (
                f"{group.services[0].label} and {other.services[0].label} select the same workloads by different "
                f"labels ({', '.join(shared)}), and of two Servers for one port the mesh takes only one"
            )
            gaps.error("mesh-inexpressible", told, hint="let one of the services alone have rules, or the same labels")
