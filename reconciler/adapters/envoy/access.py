"""Who may call: rules of the three role filters, which a virtual host brings with it, and a listener where only
connections are seen. What is refused is refused before anything is allowed; audited is what arrives, allowed or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.adapters.envoy import doors, tokens
from reconciler.adapters.envoy.arrivals import Arrival
from reconciler.adapters.envoy.audited import AUDITED
from reconciler.adapters.envoy.conditions import Permission, all_of, permission, sees_requests
from reconciler.adapters.envoy.filters import ALLOW, AUDIT, DENY
from reconciler.adapters.envoy.identity import DISABLED, PERMISSIVE, mode_of
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.principals import principals
from reconciler.adapters.envoy.priorities import Taking, unless, winning
from reconciler.adapters.envoy.probes import probe
from reconciler.adapters.gaps import Gaps
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.selectors import Match

_HTTP = "envoy.extensions.filters.http.rbac.v3.RBACPerRoute"
_NETWORK = "envoy.extensions.filters.network.rbac.v3.RBAC"
_FILTERS = ((AUDIT, AccessAction.AUDIT), (DENY, AccessAction.DENY), (ALLOW, AccessAction.ALLOW))
_VERBS = {AccessAction.ALLOW: "allows", AccessAction.DENY: "denies", AccessAction.AUDIT: "audits"}
Native = dict[str, Any]


def of_requests(arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> dict[str, Native]:
    """What the virtual host of a port says to the role filters."""
    found = _rules(arrival, intent, gaps)
    return {name: typed(_HTTP, rbac=rules) for name, rules in found.items()}


def of_connections(arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> list[Native]:
    """Role filters for a port on which no requests are seen."""
    doors.advise(arrival, intent, gaps)
    return [
        {"name": name, "typed_config": typed(_NETWORK, stat_prefix=f"{arrival.name}.{name}", **rules)}
        for name, rules in _rules(arrival, intent, gaps).items()
    ]


def _rules(arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> dict[str, Native]:
    """By filter. An Allow without policies takes nobody."""
    found: dict[str, Native] = {}
    for name, action in _FILTERS:
        policies = _policies([one for one in arrival.access if one.action is action], arrival, intent, gaps)
        if policies or (action is AccessAction.ALLOW and arrival.closed(intent)):
            found[name] = _filter(action, policies)
    for access in arrival.access:
        _advise(access, arrival, intent, gaps.about(access.origins))
    return found


def _filter(action: AccessAction, policies: Native) -> Native:
    if action is not AccessAction.AUDIT:
        return {"rules": {"action": action.value.upper(), "policies": policies}}
    told = {"action": "ALLOW", "policies": policies}
    return {"rules": {"action": "LOG", "policies": policies}, "shadow_rules": told,
            "shadow_rules_stat_prefix": AUDITED}  # fmt: skip


def _policies(accesses: Iterable[AccessIntent], arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> Native:
    found: Native = {}
    for access in accesses:
        about = gaps.about(access.origins)
        callers, calls = principals(access, intent, about), _calls(access, arrival, about)
        if callers and calls:
            but = winning(_over(access, arrival, intent, about), about)
            found[_name(access, found)] = {"permissions": calls, "principals": unless(but, callers)}
        if callers and access.action is AccessAction.ALLOW and (path := probe(arrival)):
            found[_name(access, found, "/probe")] = {"permissions": [path], "principals": callers}
    return {name: found[name] for name in sorted(found)}


def _over(access: AccessIntent, arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> Iterator[Taking]:
    """What is taken by Allows that win over a Deny."""
    if access.action is AccessAction.DENY:
        for allow in (one for one in arrival.allowing if one.priority > access.priority):
            yield principals(allow, intent, gaps), _calls(allow, arrival, Gaps())


def _name(access: AccessIntent, taken: Native, mark: str = "") -> str:
    name = f"{access.policy.namespace}/{access.policy.name}{mark}"
    same = sum(one == name or one.startswith(f"{name}#") for one in taken)
    return f"{name}#{same + 1}" if same else name


def _calls(access: AccessIntent, arrival: Arrival, gaps: Gaps) -> list[Permission]:
    """Alternatives; none where nothing on this port is meant."""
    besides = tokens.asked(access, arrival)
    found: list[Permission] = []
    for match in arrival.matches(access):
        if not arrival.is_http and (besides or sees_requests(match)):
            _unseen(access, match, arrival, gaps)
            continue
        claims = [tokens.claim(one, tokens.issuers(arrival)) for one in match.jwt_claims]
        found.append(all_of([permission(match, access.action.restricts, gaps), *claims, *besides]))
    return found


def _unseen(access: AccessIntent, match: Match, arrival: Arrival, gaps: Gaps) -> None:
    """A rule about requests says nothing of connections. To leave an Allow out lets nobody in; to leave a Deny out of
    the port that it names would."""
    port = f"port {arrival.port.number} of {arrival.service.label}"
    if access.action is AccessAction.ALLOW:
        message = f"{access.policy} is about requests, which are not seen on {port}: there it allows nothing"
        gaps.warning("http-rule-on-tcp", message, hint="declare the protocol of the port")
    elif match.ports or access.service_ports:
        message = f"{access.policy} {_VERBS.get(access.action, 'is about')} requests on {port}, where none are seen"
        hint = "declare the protocol of the port, or leave path, methods and headers out"
        gaps.error("http-rule-on-tcp", message, hint=hint)


def _advise(access: AccessIntent, arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> None:
    if access.action is AccessAction.CUSTOM:
        told = f"a folder of proxies has no list of providers, so nothing is known of {access.provider}"
        gaps.error("authorizer-unknown", told, hint="name the server in extAuth of a TrafficPolicy")
    _tell_identity(access, mode_of(arrival.service, intent), arrival, gaps)
    claims = any(match.jwt_claims for match in access.matches)
    if claims and not tokens.issuers(arrival):
        told = f"{access.policy} asks for claims, and nothing says whose tokens {arrival.service.label} takes"
        verb = "allows" if access.action is AccessAction.ALLOW else "holds for"
        gaps.warning(
            "tokens-unverified", f"{told}: it {verb} nobody", hint="add jwt.providers to the policy that allows"
        )
    if access.identities == ():
        verb = _VERBS.get(access.action, "is about")
        gaps.warning("nothing-matches", f"{access.policy} {verb} nothing on {arrival.service.label}")


def _tell_identity(access: AccessIntent, mode: str, arrival: Arrival, gaps: Gaps) -> None:
    """Who need not show an identity is not denied by one."""
    told = any(one.any_identity or one.raw or one.namespace or one.trust_domain for one in access.identities or ())
    if not told or mode not in (DISABLED, PERMISSIVE):
        return
    said = f"{access.policy} tells callers apart by identity, but mTLS of {arrival.service.label} is {mode.lower()}"
    if mode == PERMISSIVE:
        if access.action is AccessAction.DENY:
            gaps.warning("identity-without-mtls", f"{said}: who calls in plain text is not denied")
    elif access.action is AccessAction.DENY:
        gaps.error("identity-without-mtls", f"{said}: it denies nobody")
    else:
        gaps.warning("identity-without-mtls", f"{said}: it {_VERBS.get(access.action, 'is about')} nobody")
