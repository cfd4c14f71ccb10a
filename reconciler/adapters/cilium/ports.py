"""Which ports a rule is bound to: those of the workload. Rules about requests need them, since the mesh reads requests
on the ports that it is told only, and would break what is no HTTP there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.protocols import Speech, speech, workload_ports
from reconciler.model.access import AccessAction
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.selectors import Match

#: most ports of one entry
MOST = 40
Native = dict[str, Any]


def to_ports(numbers: Iterable[int], told: Native, access: AccessIntent, intent: MeshIntent) -> list[Native]:
    """Entries of ``toPorts`` for these ports, in as many as they need; ``told``: of what passes there."""
    several = [one for number in numbers for one in _port(number, bool(told), access, intent)]
    return [{"ports": several[at : at + MOST], **told} for at in range(0, len(several), MOST)]


def _port(number: int, reads: bool, access: AccessIntent, intent: MeshIntent) -> list[Native]:
    """What denies shuts a port for every protocol; what allows opens it for those that the service has there."""
    if reads:
        spoken = ["TCP"]
    elif access.action is AccessAction.DENY:
        spoken = ["ANY"]
    else:
        facts = intent.cluster.service(access.service.name, access.service.namespace)
        known = facts.ports if facts else ()
        there = {port.protocol for port in known if facts and number in workload_ports(port, facts, intent.cluster)}
        spoken = sorted(there) or ["TCP"]
    return [{"port": str(number), "protocol": protocol} for protocol in spoken]


def asked(match: Match, access: AccessIntent, gaps: Gaps) -> tuple[int, ...] | None:
    """The ports that a match and the target name, empty for all; None when both name some and share none."""
    numbers = {port for port in match.ports if isinstance(port, int)}
    if len(numbers) < len(set(match.ports)):
        gaps.error("mesh-inexpressible", f"a port of {access.service} is not known by its number")
    if numbers and access.ports:
        numbers &= set(access.ports)
        if not numbers:
            gaps.warning("nothing-matches", f"a match of {access.policy} names none of the ports of its target")
            return None
    return tuple(sorted(numbers or access.ports))


def connecting(numbers: tuple[int, ...], access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> tuple[int, ...]:
    """Of these ports, or of all, those that take connections of TCP."""
    facts = intent.cluster.service(access.service.name, access.service.namespace)
    taking = [port for port in facts.ports if speech(port) is not Speech.UDP] if facts else []
    known = {one for port in taking if facts for one in workload_ports(port, facts, intent.cluster)}
    if not known and not numbers:
        told = f"rules about the name in a TLS handshake need the ports of {access.service.label}, and none is known"
        gaps.error("port-needed", told)
    return numbers or tuple(sorted(known))


def carrying(numbers: tuple[int, ...], access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> tuple[int, ...]:
    """Of these ports, or of all, those on which requests can be seen."""
    facts = intent.cluster.service(access.service.name, access.service.namespace)
    if facts is None:
        if not numbers:
            gaps.error(
                "port-needed", f"rules about requests to {access.service.label} need its ports, and it is not there"
            )
        return numbers
    opaque = {one for port in facts.ports if _is_opaque(port) for one in workload_ports(port, facts, intent.cluster)}
    wanted = numbers or tuple(sorted(_readable(facts, intent, gaps)))
    kept = tuple(port for port in wanted if port not in opaque)
    if len(kept) < len(numbers) or (opaque and not kept):
        told = f"{access.policy} is about requests, which the mesh cannot see on some ports of {access.service}; "
        gaps.warning("http-rule-on-tcp", f"{told}there it allows nothing", hint="declare the port's appProtocol")
    return kept


def _is_opaque(port: PortFacts) -> bool:
    return speech(port) in (Speech.OPAQUE, Speech.UDP)


def _readable(facts: ServiceFacts, intent: MeshIntent, gaps: Gaps) -> set[int]:
    found: set[int] = set()
    for port in facts.ports:
        if _is_opaque(port):
            continue
        numbers = workload_ports(port, facts, intent.cluster)
        if not numbers:
            told = f"port {port.target} of the workloads of {facts.ref.label} is not known by its number"
            gaps.error(
                "port-needed", told, hint="name the ports in to[].ports, or give the service numeric target ports"
            )
        found |= numbers
    return found
