"""ServiceIntentions: one for each service that access policies are about.

Of several intentions the one with the most exact source holds, alone: so whoever is named has all that holds for him in
his own entry, what holds for everybody included. Within an entry the first permission that fits decides, and where none
does the default of the servers holds, not an entry for everybody; so what is to be refused then is said.

Source: agent/xds/rbac.go (removeSourcePrecedence, removePermissionPrecedence) and api/config_entry_intentions.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.consul import names
from reconciler.adapters.consul.callers import sources
from reconciler.adapters.consul.kinds import SERVICE_INTENTIONS
from reconciler.adapters.consul.permissions import ALL, Asked, requests
from reconciler.adapters.consul.precedence import ALLOW, DENY, Decision, decided
from reconciler.adapters.consul.speaking import TCP, protocol_of
from reconciler.adapters.consul.tokens import check_default
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef

Native = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """One policy. ``callers``: names, or ``*`` alone."""

    callers: frozenset[str]
    action: str
    requests: Sequence[Asked]
    priority: int

    def about(self, caller: str) -> bool:
        return caller in self.callers or names.ANY in self.callers


def intentions(
    service: ServiceRef, asked: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps
) -> NativeObject | None:
    """The object of a service; None where its policies say nothing of anybody."""
    names.check(service, intent, gaps)
    rules = [_rule(access, asked, intent, gaps.about(access.origins)) for access in asked]
    entries = [one for caller in _callers(rules) if (one := _source(caller, rules, intent, gaps))]
    if not entries:
        gaps.warning("nothing-matches", f"no policy on {service.label} is about any caller")
        return None
    if sees_requests(entries) and protocol_of(service, intent, gaps) == TCP:
        for access in asked:
            told = f"{service.label} carries connections, and rules about requests would refuse all of them"
            if access.matches or access.jwt:
                gaps.about(access.origins).error("mesh-inexpressible", told)
    origins = {origin for access in asked for origin in access.origins}
    spec = {"destination": {"name": service.name}, "sources": entries}
    return build(intent, SERVICE_INTENTIONS, service.namespace, service.name, spec, origins)


def sees_requests(entries: Iterable[Native]) -> bool:
    return any("permissions" in entry for entry in entries)


def denies_by_default(intent: MeshIntent) -> bool:
    """Whether what no intention speaks of is to be refused: a policy says it, or an intention that is there."""
    return intent.default_deny is not None or intent.mesh.settings.get("intentions") == DENY


def _rule(access: AccessIntent, all_of: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps) -> Rule:
    _check_ports(access, intent, gaps)
    action = ALLOW if access.action is AccessAction.ALLOW else DENY
    asked = requests(access, all_of, gaps)
    if any(one.tokens for one in asked):
        check_default(intent, gaps)
    return Rule(sources(access, intent, gaps), action, asked, access.priority)


def _check_ports(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> None:
    facts = intent.cluster.service(access.service.name, access.service.namespace)
    known = {port.number for port in facts.ports} if facts else set()
    if access.service_ports and not known <= set(access.service_ports):
        gaps.error("mesh-inexpressible", "the mesh decides for a service as a whole, not for one of its ports")


def _callers(rules: Sequence[Rule]) -> list[str]:
    """Everybody last. Where something is allowed, everybody else has an entry, too."""
    named = {caller for rule in rules for caller in rule.callers} - {names.ANY}
    everybody = any(names.ANY in rule.callers or rule.action == ALLOW for rule in rules)
    return [*sorted(named), *([names.ANY] if everybody else [])]


def _source(caller: str, rules: Sequence[Rule], intent: MeshIntent, gaps: Gaps) -> Native | None:
    """The entry of a caller; None where nothing is said of it."""
    own = (Decision(rule.priority, rule.action, one) for rule in rules if rule.about(caller) for one in rule.requests)
    permissions, rest = decided(own, _rest(caller, rules, intent), gaps)
    if not permissions:
        return {"name": caller, "action": rest} if rest else None
    last = [{"action": rest, "http": ALL}] if rest else []
    return {"name": caller, "permissions": [*permissions, *last]}


def _rest(caller: str, rules: Sequence[Rule], intent: MeshIntent) -> str:
    """What becomes of requests that no rule is about; "": as the servers have it for all."""
    if any(rule.action == ALLOW for rule in rules):
        return DENY
    deny = intent.default_deny
    if deny is not None and caller in {gateway.name for gateway in deny.gateways}:
        return ALLOW
    return DENY if denies_by_default(intent) else ""
