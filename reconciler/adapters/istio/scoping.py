"""Which ports an access rule is bound to: of the workload, or of the service where a waypoint before it enforces it.

Where requests cannot be seen, the mesh treats a missing path or method as a match in a DENY (AUDIT, CUSTOM), so that
one would shut the whole port, and as no match in an ALLOW. A rule about requests is kept to the ports that carry them.
"""

from __future__ import annotations

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.operations import Request
from reconciler.adapters.istio.profiles import WAYPOINT, profile_of
from reconciler.adapters.protocols import Speech, all_opaque, speech, workload_ports
from reconciler.model.access import AccessAction
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.selectors import Match

Ports = tuple[int, ...]
_VERBS = {
    AccessAction.DENY: "denies requests on",
    AccessAction.AUDIT: "audits requests on",
    AccessAction.CUSTOM: "has a provider decide about requests on",
}
_WOULD = {AccessAction.DENY: "shut", AccessAction.AUDIT: "audit all of", AccessAction.CUSTOM: "have it decide about"}


def scope(match: Match, asked: Request, access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> Ports | None:
    """The ports of a match, empty for all; None when no request can be on both the match's and the target's ports."""
    ports = _asked(match, access, intent, gaps)
    facts = intent.cluster.service(access.service.name, access.service.namespace)
    if ports is None or not asked.sees_http or facts is None:
        return ports
    if all(speech(port) is not Speech.OPAQUE for port in facts.ports):
        return ports
    opaque = _numbers(facts, intent, opaque=True)
    if access.action is AccessAction.ALLOW:
        if all_opaque(facts.ports) or (opaque and set(ports) & opaque):
            _never_matches(access, gaps)
        return ports
    return _deny_scope(ports, opaque, _numbers(facts, intent, opaque=False), access, gaps)


def _deny_scope(
    ports: Ports, opaque: frozenset[int] | None, carrying: frozenset[int] | None, access: AccessIntent, gaps: Gaps
) -> Ports:
    if opaque is None or (carrying is None and not ports):
        if not ports:
            _too_wide(access, gaps)
        return ports
    kept = tuple(port for port in ports or sorted(carrying or ()) if port not in opaque)
    if len(kept) < len(ports) or not kept:
        gaps.error(
            "http-rule-on-tcp",
            f"{access.policy} {_VERBS[access.action]} ports of {access.service} that carry none; "
            f"the mesh would {_WOULD[access.action]} them",
            hint="declare the port's appProtocol, or leave path, methods and headers out",
        )
    return kept


def _asked(match: Match, access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> Ports | None:
    numbers = {port for port in match.ports if isinstance(port, int)}
    target = access.service_ports if profile_of(access.service, intent) == WAYPOINT else access.ports
    if len(numbers) < len(set(match.ports)):
        gaps.error("mesh-inexpressible", f"a port of {access.service} is not known by its number")
    if numbers and target:
        numbers &= set(target)
        if not numbers:
            gaps.warning("nothing-matches", f"a match of {access.policy} names none of the ports of its target")
            return None
    return tuple(sorted(numbers or target))


def _numbers(facts: ServiceFacts, intent: MeshIntent, *, opaque: bool) -> frozenset[int] | None:
    """Ports on which requests cannot be seen, or (not ``opaque``) can; None when one has no known number."""
    found: set[int] = set()
    for port in facts.ports:
        spoken = speech(port)
        if spoken is Speech.UDP or (spoken is Speech.OPAQUE) is not opaque:
            continue
        at_service = profile_of(facts.ref, intent) == WAYPOINT
        numbers = frozenset({port.number}) if at_service else workload_ports(port, facts, intent.cluster)
        if not numbers:
            return None
        found |= numbers
    return frozenset(found)


def _too_wide(access: AccessIntent, gaps: Gaps) -> None:
    gaps.warning(
        "deny-too-wide",
        f"{access.policy} also shuts the ports of {access.service} that carry no HTTP: their numbers are not known",
        hint="name the HTTP ports in to[].ports, or give the service numeric target ports",
    )


def _never_matches(access: AccessIntent, gaps: Gaps) -> None:
    gaps.warning(
        "http-rule-on-tcp",
        f"{access.policy} is about requests, which the mesh cannot see on some ports of {access.service}; "
        "there it allows nothing",
        hint="declare the port's appProtocol",
    )
