"""MeshTrafficPermission without a MeshIdentity: one for all workloads with the same labels, ``from`` whom they are
called. Of several entries that fit a caller the last holds, of several objects the one about fewer workloads, so that
what all policies say of some workloads is one list: first that nobody may call, then who may, then who may not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters.built import Built
from reconciler.adapters.envelopes import label_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma import tags
from reconciler.adapters.kuma.decisions import check
from reconciler.adapters.kuma.finished import finished
from reconciler.adapters.kuma.kinds import PERMISSION
from reconciler.adapters.kuma.objects import WHOLE, build, proxies
from reconciler.adapters.kuma.profiles import TAGS, profile_of
from reconciler.model.access import AccessAction
from reconciler.model.intents import AccessIntent, MeshIntent
from reconciler.model.native import NativeObject

_ORDER = (AccessAction.ALLOW, AccessAction.DENY)
Workloads = tuple[str, tuple[tuple[str, str], ...]]


def emit(intent: MeshIntent) -> Iterable[Built]:
    """The permissions of all workloads that some policy is about."""
    found: dict[Workloads, list[AccessIntent]] = {}
    for one in intent.access if profile_of(intent.mesh) == TAGS else ():
        found.setdefault((one.service.namespace, tuple(sorted(one.selector.items()))), []).append(one)
    for workloads in sorted(found):
        gaps = Gaps()
        origins = [origin for one in found[workloads] for origin in one.origins]
        made = _permission(found[workloads], found, intent, gaps)
        yield finished([made], gaps, origins, intent, found[workloads][0].service)


def _permission(
    several: Sequence[AccessIntent], found: Mapping[Workloads, object], intent: MeshIntent, gaps: Gaps
) -> NativeObject | None:
    for one in several:
        check([one], intent, gaps.about(one.origins))
    first = min(several, key=lambda one: (one.service, one.policy))
    _check_alone(first, found, intent, gaps)
    entries = _entries(several, intent, gaps)
    if not entries:
        return None
    spec = {"targetRef": proxies(first.selector, intent), "from": entries}
    labels = [part for pair in sorted(first.selector.items()) for part in pair]
    name = label_name(f"{first.service.name}-access", [first.service.namespace, *labels], ambiguous=True)
    origins = {origin for one in several for origin in one.origins}
    return build(intent, PERMISSION, first.service.namespace, name, spec, origins)


def _entries(several: Sequence[AccessIntent], intent: MeshIntent, gaps: Gaps) -> list[dict[str, Any]]:
    found: dict[AccessAction, list[dict[str, Any]]] = {action: [] for action in _ORDER}
    for one in several:
        for caller in tags.callers(one.identities, one.action, intent, gaps.about(one.origins)):
            entry = _entry(caller, one.action.value)
            held = found.setdefault(one.action, [])
            held += [entry] if entry not in held else []
    allowed, denied = found[AccessAction.ALLOW], found[AccessAction.DENY]
    if _entry(WHOLE, "Allow") in allowed:
        allowed = [_entry(WHOLE, "Allow")]
    elif any(one.action is AccessAction.ALLOW for one in several):
        allowed = [_entry(WHOLE, "Deny"), *allowed]
    return [*allowed, *denied]


def _entry(caller: Mapping[str, Any], action: str) -> dict[str, Any]:
    return {"targetRef": dict(caller), "default": {"action": action}}


def _check_alone(first: AccessIntent, found: Mapping[Workloads, object], intent: MeshIntent, gaps: Gaps) -> None:
    """Of two objects that are about one proxy by different labels, the mesh would take one."""
    space, mine = first.service.namespace, tuple(sorted(first.selector.items()))
    own = intent.cluster.workloads_with(space, first.selector)
    for other_space, theirs in sorted(found):
        if other_space != space or theirs == mine:
            continue
        members = intent.cluster.workloads_with(space, dict(theirs))
        nested = set(mine) <= set(theirs) or set(theirs) <= set(mine)
        if nested or any(one in members for one in own):
            told = f"access to some workloads in {space} is asked for by the labels {dict(mine)} and by {dict(theirs)}"
            gaps.error("mesh-inexpressible", told, hint="ask for it by one service, or make a MeshIdentity")
