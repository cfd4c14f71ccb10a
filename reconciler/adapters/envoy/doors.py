"""Whom a listener lets in at all, before any rule is asked: callers of the trust domain of the mesh, and of others
where an Allow names them.

Where only connections are seen, rules are asked when the caller has said something, and a service that speaks first has
spoken by then. So there the handshake itself is for those alone whom an Allow names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envoy.arrivals import Arrival
from reconciler.adapters.envoy.conditions import sees_requests
from reconciler.adapters.envoy.principals import SCHEME, foreign_domains, own_domains, shown_names
from reconciler.adapters.gaps import Gaps
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent


@dataclass(frozen=True, slots=True)
class Door:
    """``names`` that a caller may show, none for nobody; ``plain``: whether one that shows none may be let in."""

    names: tuple[dict[str, Any], ...]
    plain: bool = True


def door(arrival: Arrival, intent: MeshIntent) -> Door:
    domains = (*own_domains(intent), *foreign_domains(arrival.allowing, intent))
    anybody = Door(tuple({"prefix": f"{SCHEME}{one}/"} for one in domains))
    if arrival.is_http:
        return anybody
    holding = [one for one in arrival.access if _holds(one, arrival)]
    first = max((one.priority for one in arrival.allowing), default=0)
    if any(one.action is AccessAction.DENY and one.identities is None and one.priority >= first for one in holding):
        return Door((), plain=False)
    if not arrival.closed(intent):
        return anybody
    allowing = [one for one in holding if one.action is AccessAction.ALLOW]
    names = [shown_names(one, intent) for access in allowing for one in access.identities or ()]
    if not all(names) or any(one.identities is None for one in allowing):
        return anybody
    found = {str(name): name for several in names for name in several}
    return Door(tuple(found[key] for key in sorted(found)), plain=False)


def advise(arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> None:
    """Rules that the handshake cannot carry out hold from the first byte of the caller on."""
    for access in arrival.access:
        restricting = access.action is AccessAction.DENY and access.identities is not None
        by_address = access.action is AccessAction.ALLOW and any(
            one.ip_include or one.ip_exclude for one in access.identities or ()
        )
        if not arrival.is_http and _holds(access, arrival) and (restricting or by_address):
            port = f"port {arrival.port.number} of {arrival.service.label}"
            told = f"{access.policy} is asked on {port} when a caller has sent something: what the service says first"
            hint = "name those who may call in an Allow without addresses"
            gaps.about(access.origins).warning("greeting-unguarded", f"{told} reaches whom it refuses, too", hint=hint)


def _holds(access: AccessIntent, arrival: Arrival) -> bool:
    """Whether a policy is about connections to this port, all of them or by their caller."""
    required = access.jwt is not None and (access.jwt.require or bool(access.jwt.claims))
    matches = arrival.matches(access)
    if access.action is AccessAction.DENY:
        return any(not sees_requests(one) and not one.sni for one in matches)
    return not required and any(not sees_requests(one) for one in matches)
