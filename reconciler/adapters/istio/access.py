"""AuthorizationPolicy: one for each access policy on a service.

The mesh evaluates DENY before ALLOW, and a workload with an ALLOW refuses what no ALLOW takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.issuers import check_agreed
from reconciler.adapters.istio.advice import advise_access
from reconciler.adapters.istio.kinds import AUTHORIZATION_POLICY
from reconciler.adapters.istio.objects import build
from reconciler.adapters.istio.operations import Request, request
from reconciler.adapters.istio.principals import sources
from reconciler.adapters.istio.profiles import WAYPOINT, bound, profile_of
from reconciler.adapters.istio.scoping import scope
from reconciler.adapters.istio.tokens import conditions, principals
from reconciler.adapters.istio.waypoint_access import guards
from reconciler.adapters.policy_names import groups, policy_name
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.selectors import Match

#: most rules, and most sources of one rule, that the mesh accepts
MOST = 512
_VERBS = {
    AccessAction.ALLOW: "allows",
    AccessAction.DENY: "denies",
    AccessAction.AUDIT: "audits",
    AccessAction.CUSTOM: "has a provider decide",
}


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The policies of a target, and what stands behind those that are written."""
    written: list[list[AccessIntent]] = []
    for group in groups(intent):
        gaps = Gaps()
        origins = [origin for access in group for origin in access.origins]
        made = built([authorization_policy(group, intent, gaps)], gaps, origins, intent, group[0].service)
        if made.objects:
            written.append(group)
        yield made
    yield Built(tuple(guards(written, intent)))


def authorization_policy(group: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The policy of a group; None for a Deny of nobody, which the mesh would not take."""
    advise_access(group, intent, gaps)
    first = group[0]
    check_agreed(intent.access_by_service.get(first.service, ()) if first.jwt else (), gaps)
    if not first.selector:
        gaps.error("mesh-inexpressible", f"no workloads are known behind {first.service}, so nothing can be selected")
    rules = [rule for access in group for rule in _rules(access, intent, gaps)]
    if max([len(rules), *(len(rule.get("from", [])) for rule in rules)]) > MOST:
        gaps.error("mesh-inexpressible", f"more than {MOST} rules, or sources of a rule, in one policy")
    if not rules:
        gaps.warning("nothing-matches", f"{first.policy} {_VERBS[first.action]} nothing on {first.service}")
        if first.action is not AccessAction.ALLOW:
            return None
    spec: dict[str, Any] = bound(first.service, first.selector, intent) | {"action": first.action.value.upper()}
    if first.provider:
        spec["provider"] = {"name": first.provider}
    origins = {origin for access in group for origin in access.origins}
    name = policy_name(first)
    return build(
        intent, AUTHORIZATION_POLICY, first.service.namespace, name, spec | ({"rules": rules} if rules else {}), origins
    )


def _rules(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> list[dict[str, Any]]:
    """Sources and operations in one rule are ANDed. Conditions hold for a whole rule, so a match that has some gets
    a rule of its own."""
    who = _callers(access, intent, gaps)
    if who is None:
        return []
    plain: list[dict[str, Any]] = []
    rules: list[dict[str, Any]] = []
    at_service = profile_of(access.service, intent) == WAYPOINT
    for match in (access.service_matches if at_service else access.matches) or (Match(),):
        asked = _asked(match, access, intent, gaps)
        ports = scope(match, asked, access, intent, gaps)
        if ports is None:
            continue
        operation = _operation(asked, ports)
        if asked.conditions:
            rules.append(who | ({"to": [{"operation": operation}]} if operation else {}) | {"when": asked.conditions})
        else:
            plain.append(operation)
    if {} in plain:
        return [who]  # takes every request, so the other rules add nothing
    return [*([who | {"to": [{"operation": operation} for operation in plain]}] if plain else []), *rules]


def _callers(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> dict[str, Any] | None:
    """The ``from`` of every rule, with the tokens that it requires; None for nobody."""
    token = principals(access)
    needed = {"requestPrincipals": token} if token else {}
    if access.identities is None:
        return {"from": [{"source": needed}]} if needed else {}
    callers = sources(access.identities, intent.mesh.trust_domain, gaps)
    return {"from": [{"source": source | needed} for source in callers]} if callers else None


def _asked(match: Match, access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> Request:
    asked = request(match, access.action, gaps)
    return Request(asked.operation, [*asked.conditions, *conditions(access, intent)], bool(principals(access)))


def _operation(asked: Request, ports: tuple[int, ...]) -> dict[str, Any]:
    return asked.operation | ({"ports": [str(port) for port in ports]} if ports else {})
