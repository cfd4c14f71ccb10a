"""Where an Allow is to win over what refuses calls: its priority is higher than that of a Deny, or a Custom, about the
same service. At equal priorities what refuses wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter

from reconciler.compile.paths import Use
from reconciler.compile.site import Site
from reconciler.compile.targets import Chosen, choose
from reconciler.model.access import AccessAction, AccessPolicy
from reconciler.model.refs import ServiceRef

#: the lowest priority of what refuses calls, by service
Floors = Mapping[ServiceRef, int]


def floors(site: Site) -> Floors:
    """Nothing where no policy has a priority, since then no Allow is above anything."""
    policies = [one for one in site.view.access if one.authorizes and site.world.in_force(one.expires)]
    if not any(one.priority for one in policies):
        return {}
    found: dict[ServiceRef, int] = {}
    for policy in sorted((one for one in policies if one.action.restricts), key=attrgetter("priority"), reverse=True):
        found |= {chosen.service: policy.priority for chosen in choose(policy.ref, policy.targets, site).chosen}
    return found


def by_winning(
    policy: AccessPolicy, chosen: Iterable[Chosen], known: Floors
) -> list[tuple[tuple[Use, ...], list[Chosen]]]:
    """Destinations by what is asked of the mesh there: to let the policy win over what refuses calls, or nothing."""
    plain: list[Chosen] = []
    winning: list[Chosen] = []
    for one in chosen:
        wins = policy.action is AccessAction.ALLOW and known.get(one.service, policy.priority) < policy.priority
        (winning if wins else plain).append(one)
    over = (Use("access.priority", policy.position, "access.priority.allowOverDeny"),)
    return [(uses, group) for uses, group in (((), plain), (over, winning)) if group]
