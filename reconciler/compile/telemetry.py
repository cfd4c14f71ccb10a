"""Telemetry policies of one target to what holds for each scope: narrower ones first, wider ones where these are
silent, so that a mesh that takes one object per workload loses nothing of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.compile.ages import oldest
from reconciler.compile.negotiation import negotiate, paths_of, terms_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import leaf_uses
from reconciler.compile.scopes import EVERYWHERE, scopes_of
from reconciler.compile.site import Site, has_labels
from reconciler.model.canonical import encode
from reconciler.model.findings import warning
from reconciler.model.membership import groups_of
from reconciler.model.origins import Origin, once
from reconciler.model.rules import Leaf
from reconciler.model.telemetry import TelemetryPolicy
from reconciler.model.workload_intents import DashboardIntent, TelemetryIntent, WorkloadScope

Slot = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Say:
    scope: WorkloadScope
    leaf: Leaf
    default: bool

    @property
    def origin(self) -> Origin:
        return Origin(self.leaf.policy, self.leaf.position)


def telemetry_of(site: Site, notes: Notes) -> tuple[TelemetryIntent, ...]:
    """What holds for each scope that some policy names, sorted."""
    said = [one for policy in site.view.telemetry for one in _said(policy, site, notes, default=False)]
    for group in groups_of(site.target, site.view):
        if group.telemetry:
            said += _said(TelemetryPolicy(group.ref, group.position, group.telemetry), site, notes, default=True)
    scopes = sorted({one.scope for one in said})
    own = {scope: _settled([one for one in said if one.scope == scope], site, notes) for scope in scopes}
    _tell_overlaps(scopes, own, site, notes)
    return tuple(_intent(scope, own) for scope in scopes)


def dashboards_of(site: Site) -> tuple[DashboardIntent, ...]:
    """The links of each policy for the scopes that it names, in the order of its file."""
    return tuple(
        DashboardIntent(scope, leaf)
        for policy in site.view.telemetry
        if policy.dashboards
        for scope in scopes_of(policy.ref, policy.workloads, site)[0]
        for leaf in policy.dashboards
    )


def _said(policy: TelemetryPolicy, site: Site, notes: Notes, default: bool) -> list[_Say]:
    scopes, problems = scopes_of(policy.ref, policy.workloads, site)
    if not scopes and not problems:
        return []
    notes.matched.add(policy.ref)
    uses = tuple(dict.fromkeys(use for leaf in policy.leaves for use in leaf_uses(leaf)))
    if problems:
        notes.refuse(policy.ref, paths_of(uses, site), *problems)
        return []
    agreed = negotiate(terms_of(policy.ref, uses, policy.on_unsupported, site), site.profile(), (), site, notes)
    if not agreed.able:
        return []
    leaves = [leaf for leaf in policy.leaves if leaf.path not in agreed.dropped]
    return [_Say(scope, leaf, default) for scope in scopes for leaf in leaves]


def _settled(said: Iterable[_Say], site: Site, notes: Notes) -> dict[Slot, list[_Say]]:
    """For each slot of one scope the saying that holds first, then those that say the same."""
    slots: dict[Slot, list[_Say]] = {}
    for one in said:
        slots.setdefault(one.leaf.slot, []).append(one)
    return {slot: _holding(slots[slot], site, notes) for slot in sorted(slots)}


def _holding(several: list[_Say], site: Site, notes: Notes) -> list[_Say]:
    rivals = [one for one in several if not one.default] or several
    if len({encode(one.leaf.value) for one in rivals}) == 1:
        return sorted(rivals, key=lambda one: one.leaf.policy)
    holder, why = oldest(rivals, lambda one: one.leaf.position, lambda one: one.leaf.policy, site.world.ages, notes)
    for loser in rivals:
        if encode(loser.leaf.value) != encode(holder.leaf.value):
            message = (
                f"{loser.leaf.policy} sets {loser.leaf.path} otherwise than {holder.leaf.policy} "
                f"at {holder.leaf.position} for the same workloads, which holds: {why}"
            )
            refs = (loser.leaf.policy, holder.leaf.policy)
            notes.find(warning("policy-conflict", message, loser.leaf.position, "make them agree", *refs))
    return [holder, *(one for one in rivals if one is not holder and one.leaf.value == holder.leaf.value)]


def _intent(scope: WorkloadScope, own: Mapping[WorkloadScope, Mapping[Slot, list[_Say]]]) -> TelemetryIntent:
    """A scope with what it lacks from the scopes around it, the narrowest first."""
    held: dict[Slot, list[_Say]] = dict(own[scope])
    around = [other for other in own if other != scope and other.covers(scope)]
    for other in sorted(around, key=lambda one: (-len(one.labels), not one.namespace, one)):
        for slot, sayings in own[other].items():
            held.setdefault(slot, sayings)
    mine = [one for sayings in own[scope].values() for one in sayings]
    others = [one for slot, sayings in held.items() if slot not in own[scope] for one in sayings]
    origins = once(one.origin for one in mine)
    inherited = tuple(
        one for one in once(one.origin for one in others) if one.ref not in {origin.ref for origin in origins}
    )
    return TelemetryIntent(scope, tuple(held[slot][0].leaf for slot in sorted(held)), origins, inherited)


def _tell_overlaps(
    scopes: list[WorkloadScope], own: Mapping[WorkloadScope, Mapping[Slot, list[_Say]]], site: Site, notes: Notes
) -> None:
    """Two scopes of which neither is in the other, and that share a workload: a mesh would take one of them for it."""
    for first in scopes:
        for second in (one for one in scopes if one > first and EVERYWHERE not in (one, first)):
            if first.covers(second) or second.covers(first) or not _shared(first, second, site):
                continue
            mine = next(iter(own[second].values()))[0].leaf
            other = next(iter(own[first].values()))[0].leaf
            message = (
                f"{mine.policy} and {other.policy} at {other.position} are about the workload "
                f"{_shared(first, second, site)} by different labels: one of the two holds for it"
            )
            hint = "select it in one way"
            notes.find(warning("scopes-overlap", message, mine.position, hint, mine.policy, other.policy))


def _shared(first: WorkloadScope, second: WorkloadScope, site: Site) -> str:
    labels = dict(first.labels) | dict(second.labels)
    for one in site.cluster.workloads:
        here = {first.namespace, second.namespace} <= {"", one.namespace}
        if here and has_labels(one.labels, labels) and site.mesh.enrolls(one):
            return f"{one.namespace}/{one.name}"
    return ""
