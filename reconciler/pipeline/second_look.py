"""Soon after its writes a run looks once more: what the meshes say by then of what was written.

They have ``health.wait`` for it; a later round sees what becomes of the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

from reconciler.model.documents import DesiredState
from reconciler.model.health import HEALTHY, Health, HealthState
from reconciler.model.plans import ApplyResult, Change, Outcome, TargetPlan
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.pipeline.health import health_of, judge_of, told, unhealthy
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.world import Connections, World
from reconciler.ports import Cluster, ClusterError

FIRST_LOOK, LONGEST_PAUSE = 0.25, 2.0  # seconds
_WAITING = HealthState.PROGRESSING
_UNSEEN = Health(_WAITING)
_Place = tuple[TargetId, ObjectKey]


async def looked_again(
    world: World, opened: Connections, planned: Planned, results: Sequence[ApplyResult], stop: Callable[[], bool]
) -> Planned:
    """The same plan with the health of what was written, after the meshes had some time to look at it; less when the
    run is asked to stop."""
    if planned.plan is None or planned.desired is None:
        return planned
    found = {(r.change.target, r.change.key): r.health for r in results if r.outcome is Outcome.CHANGED}
    waiting = [r.change for r in results if found.get((r.change.target, r.change.key), HEALTHY).state is _WAITING]
    names = sorted({change.target.cluster for change in waiting} - set(world.beside))
    looks = []
    for name in names:
        cluster = opened.to(planned.desired.clusters[name])
        own = [change for change in waiting if change.target.cluster == name]
        looks.append(_look(cluster, own, planned.desired, world, stop))
    for seen in await asyncio.gather(*looks):
        found |= seen
    gone = {(r.change.target, r.change.key) for r in results if r.outcome is Outcome.PRUNED}
    targets = tuple(_written(target, found, gone) for target in planned.plan.targets)
    return replace(planned, plan=told(replace(planned.plan, targets=targets)))


async def _look(
    cluster: Cluster, changes: Sequence[Change], desired: DesiredState, world: World, stop: Callable[[], bool]
) -> dict[_Place, Health]:
    """The last that was seen of these objects within the time for it; what a cluster fails to tell, the next round
    will."""
    found: dict[_Place, Health] = {}
    rest, pause = list(changes), FIRST_LOOK
    try:
        async with asyncio.timeout(desired.settings.health_wait):
            while rest and not stop():
                await asyncio.sleep(pause)
                listing = await cluster.list_objects(sorted({c.kind for c in rest}, key=lambda kind: kind.kind))
                live = {item.key: item for item in listing.objects}
                for change in [change for change in rest if change.key in live]:
                    if judge := judge_of(change.target, desired, world):
                        found[change.target, change.key] = health_of(live[change.key], judge)
                rest = [c for c in rest if found.get((c.target, c.key), _UNSEEN).state is _WAITING]
                pause = min(2 * pause, LONGEST_PAUSE)
    except (TimeoutError, ClusterError):
        pass
    return found


def _written(target: TargetPlan, found: Mapping[_Place, Health], gone: Container[_Place]) -> TargetPlan:
    """With the later word on what was written."""
    places = ((target.target, one.key) for one in target.health)
    kept = [one for one, at in zip(target.health, places, strict=True) if at not in found and at not in gone]
    new = [
        unhealthy(change, found[target.target, change.key])
        for change in target.changes
        if found.get((target.target, change.key), HEALTHY).state is not HealthState.HEALTHY
    ]
    return replace(target, health=tuple(sorted([*kept, *new], key=lambda one: one.key)))
