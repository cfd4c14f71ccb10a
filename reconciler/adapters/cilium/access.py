"""CiliumNetworkPolicy: one for each access policy on a service.

What allows puts its workloads into default deny; what denies must not, or it would cut off what nobody restricted.
A denial goes before every permission, and is about callers and ports only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.cilium.callers import EVERY_POD, peers
from reconciler.adapters.cilium.kinds import NETWORK_POLICY
from reconciler.adapters.cilium.ports import asked, carrying, connecting, to_ports
from reconciler.adapters.cilium.requests import http_rules, server_names
from reconciler.adapters.cilium.selecting import selector, strict
from reconciler.adapters.cilium.settings import check_denials, check_proof, check_requests
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.policy_names import groups, policy_name
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent, Origin
from reconciler.model.native import NativeObject
from reconciler.model.selectors import Match

Native = dict[str, Any]
#: by which callers prove who they are
PROOF = {"authentication": {"mode": "required"}}


def emit(intent: MeshIntent) -> Iterable[Built]:
    for group in groups(intent):
        gaps = Gaps()
        origins = [origin for access in group for origin in access.origins]
        yield built([network_policy(group, intent, gaps)], gaps, origins, intent, group[0].service)


def network_policy(group: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The policy of a group; None for a Deny of nobody."""
    first = group[0]
    denies = first.action is AccessAction.DENY
    if first.action not in (AccessAction.ALLOW, AccessAction.DENY) or first.jwt is not None:
        gaps.error("mesh-inexpressible", "the mesh allows and denies by callers, ports and requests only")
    rules = [rule for access in group for rule in _rules(access, intent, gaps)]
    if not rules:
        verb = "denies" if denies else "allows"
        gaps.warning("nothing-matches", f"{first.policy} {verb} nothing on {first.service}")
        if denies:
            return None
    spec: Native = {"endpointSelector": selector(first.service, first.selector, gaps)}
    if denies:
        check_denials(intent, gaps)
        spec |= {"enableDefaultDeny": {"ingress": False}, "ingressDeny": rules}
    else:
        spec |= {"ingress": rules or [{}]}  # an empty rule allows nothing, and puts into default deny
    origins = {origin for access in group for origin in (*access.origins, *_proven(access, intent))}
    return build(intent, NETWORK_POLICY, first.service.namespace, policy_name(first), spec, origins)


def _rules(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> list[Native]:
    to = _to(access, intent, gaps)
    if to is None:
        return []
    rest: Native = {"toPorts": to} if to else {}
    if _proven(access, intent):
        check_proof(intent, gaps)
        rest |= PROOF
    found = peers(access.identities, intent.mesh, gaps)
    if access.identities is None and "authentication" in rest:
        found = [{"fromEndpoints": [EVERY_POD]}]  # nobody else can prove anything
    _tell_probes(access, gaps)
    return [one | rest for one in found]


def _proven(access: AccessIntent, intent: MeshIntent) -> tuple[Origin, ...]:
    """Who asks that callers prove who they are: a part of the object, which keeps it while theirs is held."""
    if access.action is not AccessAction.ALLOW:
        return ()
    return strict(access.service, access.selector, intent)


def _tell_probes(access: AccessIntent, gaps: Gaps) -> None:
    if access.action is AccessAction.DENY and access.identities is None:
        gaps.warning(
            "deny-too-wide",
            f"{access.policy} also shuts {access.service} to the probes of the node that its pods run on",
            hint="name the callers to be denied, or the ports without that of the probes",
        )


def _to(access: AccessIntent, intent: MeshIntent, gaps: Gaps) -> list[Native] | None:
    """Entries of ``toPorts``: empty for everything, None for nothing."""
    read: dict[tuple[int, ...], list[Native]] = {}
    named: dict[tuple[int, ...], list[str]] = {}
    whole: list[tuple[int, ...]] = []
    for match in access.matches or (Match(),):
        numbers = asked(match, access, gaps)
        if numbers is None:
            continue
        rules = http_rules(match, gaps)
        if not rules and not match.sni:
            whole.append(numbers)
        elif access.action is AccessAction.DENY:
            gaps.error("mesh-inexpressible", "the mesh denies callers and ports, not single requests or connections")
        elif match.sni and (kept := connecting(numbers, access, intent, gaps)):
            check_requests(intent, gaps)
            _tell_both(rules, gaps)
            named.setdefault(kept, []).extend(server_names(match, intent, gaps))
        elif not match.sni and (kept := carrying(numbers, access, intent, gaps)):
            check_requests(intent, gaps)
            read.setdefault(kept, []).extend(rule for rule in rules if rule not in read.get(kept, []))
    if () in whole:
        return []
    found = [entry for numbers in dict.fromkeys(whole) for entry in to_ports(numbers, {}, access, intent)]
    for told in ({kept: {"rules": {"http": rules}} for kept, rules in read.items()}, _by_name(named)):
        found += [entry for kept, rest in told.items() for entry in to_ports(kept, rest, access, intent)]
    return found or None


def _by_name(named: Mapping[tuple[int, ...], Iterable[str]]) -> dict[tuple[int, ...], Native]:
    return {kept: {"serverNames": sorted(set(names))} for kept, names in named.items()}


def _tell_both(rules: Sequence[Native], gaps: Gaps) -> None:
    if rules:
        told = "the mesh sees a name in a TLS handshake, or requests that are not encrypted"
        gaps.error("mesh-inexpressible", told, hint="write a match for each")
