"""What the meshes say of our objects, seen in what a round lists anyway. See ``second_look`` for that after a write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.model.documents import DesiredState
from reconciler.model.findings import NOWHERE, Finding, Severity
from reconciler.model.health import HEALTHY, Health, HealthState, ObjectHealth
from reconciler.model.live import LiveCluster, LiveObject, LiveState
from reconciler.model.plans import Action, Change, Plan, Reason, TargetPlan
from reconciler.model.refs import TargetId
from reconciler.pipeline.world import World

Judge = Callable[[Mapping[str, Any]], Health]
Found = dict[TargetId, tuple[TargetPlan, LiveCluster, tuple[ObjectHealth, ...]]]
_STATUS = b'"status"'
_CODES = {HealthState.DEGRADED: "object-degraded", HealthState.PROGRESSING: "object-progressing"}
#: what lives under that name is not ours
_OTHERS = frozenset({Reason.UNOWNED, Reason.FOREIGN_OWNER, Reason.FOREIGN_HOST})


def with_health(plan: Plan, live: LiveState, desired: DesiredState, world: World) -> Plan:
    """The same plan, telling of each of our objects that lives and that its mesh has not accepted."""
    targets = [
        _target(target, live, judge_of(target.target, desired, world), world.seen_health) for target in plan.targets
    ]
    return told(replace(plan, targets=tuple(targets)))


def judge_of(target: TargetId, desired: DesiredState, world: World) -> Judge | None:
    adapter = world.adapters.get(desired.mesh(target).type) if target in desired.views else None
    return adapter.health if adapter else None


def _target(target: TargetPlan, live: LiveState, judge: Judge | None, seen: Found) -> TargetPlan:
    cluster = live.clusters.get(target.target.cluster)
    if target.error or judge is None or cluster is None:
        return target
    known = seen.get(target.target)
    if known is None or known[0] is not target or known[1] is not cluster:
        known = seen[target.target] = (target, cluster, tuple(_unhealthy(target, cluster, judge)))
    return replace(target, health=(*target.health, *known[2]))


def _unhealthy(target: TargetPlan, cluster: LiveCluster, judge: Judge) -> Iterator[ObjectHealth]:
    """Without what is said of something that was edited by hand: that is drift, and what is said is about the edit."""
    found = list(_said(target, cluster, judge))
    edited = {health.of for change, health in found if change.drifted} - {""}
    return (unhealthy(change, health) for change, health in found if health.of not in edited)


def _said(target: TargetPlan, cluster: LiveCluster, judge: Judge) -> Iterator[tuple[Change, Health]]:
    for change in target.changes:
        found = cluster.objects.get(change.key)
        if found is None or change.action is Action.PRUNE or change.withheld in _OTHERS:
            continue
        health = health_of(found, judge)
        if health.state is not HealthState.HEALTHY:
            yield change, health


def health_of(found: LiveObject, judge: Judge) -> Health:
    """Most objects have no status: those are not decoded."""
    return judge(found.body()) if _STATUS in found.raw else HEALTHY


def unhealthy(change: Change, health: Health) -> ObjectHealth:
    position = change.origins[0].position if change.origins else NOWHERE
    return ObjectHealth(change.target, change.key, health, position)


def told(plan: Plan) -> Plan:
    """The same plan with a finding for each object that is not healthy, and one for all that share what it is about."""
    others = [finding for finding in plan.findings if finding.code not in _CODES.values()]
    found: dict[tuple[TargetId, str, Health], list[ObjectHealth]] = {}
    for one in (one for target in plan.targets for one in target.health):
        found.setdefault((one.target, "" if one.health.of else str(one.key), one.health), []).append(one)
    return replace(plan, findings=(*others, *(_finding(several[0], len(several)) for several in found.values())))


def _finding(one: ObjectHealth, number: int) -> Finding:
    """``number``: how many objects it is about; ``one`` is the first of them."""
    objects = f"{number} objects" if number > 1 else str(one.key)
    about = f"{one.health.of} ({objects})" if one.health.of else str(one.key)
    degraded = one.health.state is HealthState.DEGRADED
    what = "is degraded" if degraded else "is not accepted by the mesh yet"
    return Finding(
        severity=Severity.WARNING if degraded else Severity.INFO,
        code=_CODES[one.health.state],
        message=f"{about} {what} on {one.target}: {one.health.message}",
        position=one.position,
        hint="what it was before may still hold, or nothing" if degraded else "the next round tells what became of it",
        target=one.target,
    )
