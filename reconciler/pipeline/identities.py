"""Certificates that run out are replaced in every round that may write, and each replacement is on record.

It is recorded before it is done: a run that dies in between has told of too much rather than too little.
"""

from __future__ import annotations

import asyncio

from reconciler.model.plans import TargetPlan
from reconciler.model.settings import Mode
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.record import RunContext, run_event
from reconciler.pipeline.world import Connections, World
from reconciler.ports import ClusterError, IssuesIdentities


async def renew_identities(world: World, context: RunContext, opened: Connections, planned: Planned) -> None:
    """On every cluster that issues identities and that this round may write to."""
    if planned.plan is None or planned.desired is None:
        return
    for target in planned.plan.targets:
        if target.error or target.mode is not Mode.APPLY or target.suspended or target.read_only:
            continue
        cluster = opened.to(planned.desired.clusters[target.target.cluster])
        if isinstance(cluster, IssuesIdentities):
            await _renew(world, context, cluster, target)


async def _renew(world: World, context: RunContext, cluster: IssuesIdentities, target: TargetPlan) -> None:
    due: tuple[str, ...] = ()
    try:
        due = tuple(await cluster.identities_due(world.now()))
        if due:
            await _record(world, context, target, {"proxies": list(due)}, "")
            await cluster.renew_identities(due, world.now())
    except ClusterError as problem:
        await _record(world, context, target, {"proxies": list(due)}, str(problem))


async def _record(
    world: World, context: RunContext, target: TargetPlan, details: dict[str, list[str]], error: str
) -> None:
    event = run_event(
        context, world.new_id(), world.now(), "identity.renewed", details,
        target=target.target, result="failed" if error else "changed", error=error,
    )  # fmt: skip
    await asyncio.to_thread(world.store.append, [event])
