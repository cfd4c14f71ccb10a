"""What keeps callers from going around a waypoint: rules at the workloads, for what reaches them otherwise.

The node before a workload sees connections, and of those that pass the waypoint only its identity. So what a waypoint
allows is let in from it alone; what it denies, or has a provider decide, is denied to those who come another way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import GUARD
from reconciler.adapters.istio.objects import build, object_name
from reconciler.adapters.istio.principals import OWN_TRUST_DOMAIN, sources
from reconciler.adapters.istio.profiles import waypoint_of
from reconciler.model.access import AccessAction
from reconciler.model.facts import WaypointFacts
from reconciler.model.intents import AccessIntent, MeshIntent, Origin
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef

#: on a service or its namespace: gateways send its requests through the waypoint too
INGRESS = "istio.io/ingress-use-waypoint"


def guards(groups: Iterable[list[AccessIntent]], intent: MeshIntent) -> Iterable[NativeObject]:
    """The rules at the workloads for groups of access intents, each of which is written as one policy."""
    allowed: dict[ServiceRef, list[AccessIntent]] = {}
    for group in groups:
        first = group[0]
        waypoint = waypoint_of(first.service, intent)
        if waypoint is None:
            continue
        if first.action is AccessAction.ALLOW:
            allowed.setdefault(first.service, []).extend(group)
        elif first.action.restricts:
            yield _denied(group, waypoint, intent)
    for service in sorted(allowed):
        yield _only(allowed[service], intent)


def principal(waypoint: WaypointFacts, intent: MeshIntent) -> str:
    domain = intent.mesh.trust_domain or OWN_TRUST_DOMAIN
    return f"{domain}/ns/{waypoint.namespace}/sa/{waypoint.service_account or waypoint.name}"


def _only(group: list[AccessIntent], intent: MeshIntent) -> NativeObject:
    first = group[0]
    waypoint = waypoint_of(first.service, intent)
    assert waypoint is not None
    rules = [{"from": [{"source": {"principals": [principal(waypoint, intent)]}}]}]
    origins = [origin for one in group for origin in one.origins]
    return _build(first, "waypoint-only", "ALLOW", rules, origins, intent)


def _denied(group: list[AccessIntent], waypoint: WaypointFacts, intent: MeshIntent) -> NativeObject:
    first, policy = group[0], group[0].policy
    tail = policy.name if policy.namespace == "default" else f"{policy.namespace}.{policy.name}"
    origins = [origin for one in group for origin in one.origins]
    rules = [_rule(one, waypoint, intent) for one in group]
    return _build(first, f"direct-{first.action.value.lower()}-{tail}", "DENY", rules, origins, intent)


def _rule(access: AccessIntent, waypoint: WaypointFacts, intent: MeshIntent) -> dict[str, Any]:
    """Never the waypoint itself, which may well be in the same namespace or network as those who are meant."""
    others = {"notPrincipals": [principal(waypoint, intent)]}
    callers = [{}] if access.identities is None else sources(access.identities, intent.mesh.trust_domain, Gaps())
    rule: dict[str, Any] = {"from": [{"source": {**caller, **others}} for caller in callers]}
    if ports := _ports(access):
        rule["to"] = [{"operation": {"ports": [str(port) for port in ports]}}]
    return rule


def _ports(access: AccessIntent) -> list[int]:
    """The ports that a rule is kept to, if every match is."""
    own = [{port for port in match.ports if isinstance(port, int)} for match in access.matches]
    named = set().union(*own) if own and all(own) else set()
    return sorted(named & set(access.ports) if named and access.ports else named or access.ports)


def _build(
    access: AccessIntent,
    mark: str,
    action: str,
    rules: list[dict[str, Any]],
    origins: Iterable[Origin],
    intent: MeshIntent,
) -> NativeObject:
    service = access.service.name
    ambiguous = "-allow-" in f"{service}-" or "-deny-" in f"{service}-"
    name = object_name(f"{service}.{mark}", (service, mark, str(access.policy)), ambiguous=ambiguous)
    selector = {"matchLabels": dict(sorted(access.selector.items()))}
    spec = {"selector": selector, "action": action, "rules": rules}
    made = build(intent, GUARD, access.service.namespace, name, spec, origins)
    return replace(made, sealed=True)


def tell_around(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> None:
    """Callers that an Allow names and that do not pass the waypoint are refused at the workloads."""
    if access.action is not AccessAction.ALLOW or waypoint_of(access.service, intent) is None:
        return
    beside = sorted(
        {
            one.namespace
            for one in access.identities or ()
            if one.namespace in intent.mesh.enrolled_namespaces and not intent.mesh.profile(one.namespace)
        }
    )
    if beside:
        gaps.warning(
            "callers-around-waypoint",
            f"callers in {', '.join(beside)} have proxies of their own, which go around the waypoint of "
            f"{access.service.label}: {access.policy} allows them, and they are refused",
            hint="move these namespaces to ambient too",
        )
    gateways = _gateways(access, intent)
    if gateways and not _through_waypoint(access.service, intent):
        gaps.warning(
            "callers-around-waypoint",
            f"gateway {', '.join(gateways)} goes around the waypoint of {access.service.label}: "
            f"{access.policy} allows it, and it is refused",
            hint=f'label the service {INGRESS}: "true"',
        )


def _gateways(access: AccessIntent, intent: MeshIntent) -> list[str]:
    accounts = {(one.namespace, one.service_account) for one in access.identities or () if one.service_account}
    return sorted(
        gateway.name
        for gateway in intent.mesh.gateways
        if gateway.labels
        and any(
            (one.namespace, one.service_account) in accounts and gateway.labels.items() <= one.labels.items()
            for one in intent.cluster.workloads
            if one.namespace == gateway.namespace
        )
    )


def _through_waypoint(service: ServiceRef, intent: MeshIntent) -> bool:
    facts = intent.cluster.service(service.name, service.namespace)
    labels: Mapping[str, str] = facts.labels if facts else {}
    space = intent.cluster.namespaces.get(service.namespace, {})
    return labels.get(INGRESS, space.get(INGRESS)) == "true"
