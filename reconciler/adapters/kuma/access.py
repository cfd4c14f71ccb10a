"""MeshTrafficPermission: who may call the workloads of a service. With a MeshIdentity one for each policy on a service,
by SPIFFE IDs; what one denies no other allows. Whoever is allowed by none is refused, once there is mTLS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.adapters.built import Built
from reconciler.adapters.envelopes import label_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma import identities
from reconciler.adapters.kuma.decisions import FIELDS, check
from reconciler.adapters.kuma.finished import finished
from reconciler.adapters.kuma.kinds import PERMISSION
from reconciler.adapters.kuma.objects import build, proxies
from reconciler.adapters.kuma.profiles import IDENTITY, profile_of
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.refs import DocRef, ServiceRef

Group = tuple[ServiceRef, str, AccessAction, DocRef]
#: what a permission of somebody else says
WIDE = "permissions.wide"


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The permissions of a target."""
    for group in groups(intent) if profile_of(intent.mesh) == IDENTITY else ():
        gaps = Gaps()
        origins = [origin for access in group for origin in access.origins]
        made = permission(group, intent, gaps)
        yield finished([made], gaps, origins, intent, group[0].service)


def groups(intent: MeshIntent) -> list[list[AccessIntent]]:
    """Access intents by the object that they make: what one policy says of one service is one object."""
    found: dict[Group, list[AccessIntent]] = {}
    for access in intent.access:
        found.setdefault((access.service, access.part, access.action, access.policy), []).append(access)
    return [found[group] for group in sorted(found, key=str)]


def permission(group: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The object of a group; None for one about nobody, since nobody is allowed by itself."""
    first = group[0]
    check(group, intent, gaps)
    if first.action is AccessAction.ALLOW and (wide := intent.mesh.settings.get(WIDE)):
        told = f"{wide} allows callers to all workloads of the mesh, which no other permission takes back"
        gaps.warning("mesh-setting-differs", told, hint="remove it once every caller has a permission")
    found = [one for access in group for one in identities.callers(access.identities, intent, gaps)]
    callers = [one for at, one in enumerate(found) if one not in found[:at]]
    if not callers:
        verb = "allows" if first.action is AccessAction.ALLOW else "denies"
        gaps.warning("nothing-matches", f"{first.policy} {verb} nobody on {first.service}")
        return None
    default: dict[str, Any] = {FIELDS.get(first.action, "allow"): callers}
    spec = {"targetRef": proxies(first.selector, intent), "rules": [{"default": default}]}
    origins = {origin for access in group for origin in access.origins}
    return build(intent, PERMISSION, first.service.namespace, policy_name(first), spec, origins)


def policy_name(access: AccessIntent) -> str:
    """``reviews-allow-readers``; marked where that could mean something else too."""
    action, policy, service = access.action.value.lower(), access.policy, access.service
    identity = (service.name, access.part, action, policy.namespace, policy.name)
    dashed = f"{service.name}-"
    ambiguous = bool(access.part) or policy.namespace != "default" or "-allow-" in dashed or "-deny-" in dashed
    return label_name(f"{service.name}-{action}-{policy.name}", identity, ambiguous=ambiguous)
