"""Certificates that run out are replaced in every round that may write, and each replacement is on record.

It is recorded before it is done: a run that dies in between has told of too much rather than too little.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.model.plans import TargetPlan
from reconciler.model.settings import Mode
from reconciler.pipeline import state
from reconciler.pipeline.draft import Draft
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.record import RunContext, run_event
from reconciler.pipeline.state import IdentityTrouble as Trouble
from reconciler.pipeline.world import Connections, World
from reconciler.ports import ClusterError, IssuesIdentities

_NONE = Trouble(())


async def renew_identities(world: World, context: RunContext, opened: Connections, planned: Planned) -> None:
    """On every cluster that issues identities and that this round may write to."""
    if planned.plan is None or planned.desired is None:
        return
    for target in planned.plan.targets:
        if target.error or target.mode is not Mode.APPLY or target.suspended or target.read_only:
            continue
        cluster = opened.to(planned.desired.clusters[target.target.cluster])
        if isinstance(cluster, IssuesIdentities):
            asked = [one.body for one in planned.compiled.objects.get(target.target, ())]
            await _renew(world, context, _Issuer(cluster, asked), target)


@dataclass(frozen=True, slots=True)
class _Issuer:
    """A cluster that issues identities, and what Git asks for there."""

    cluster: IssuesIdentities
    asked: Sequence[Mapping[str, Any]]

    async def due(self, now: datetime) -> tuple[str, ...]:
        return tuple(await self.cluster.identities_due(self.asked, now))

    async def renew(self, names: Sequence[str], now: datetime) -> None:
        await self.cluster.renew_identities(names, self.asked, now)


async def _renew(world: World, context: RunContext, issuer: _Issuer, target: TargetPlan) -> None:
    """What failed before in the same words, for the same proxies, is tried again and told once."""
    known = state.identity_trouble(world.store, target.target)
    due: tuple[str, ...] = ()
    try:
        due = await issuer.due(world.now())
        if due and due != (known or _NONE).proxies:
            await _record(world, context, target, Trouble(due, ""))
        if due:
            await issuer.renew(due, world.now())
    except ClusterError as problem:
        trouble = Trouble(due, str(problem))
        if trouble != known:
            await _record(world, context, target, trouble)
        return
    if known and due in ((), known.proxies):
        await _record(world, context, target, Trouble(due, ""))


async def _record(world: World, context: RunContext, target: TargetPlan, told: Trouble) -> None:
    event = run_event(
        context, world.new_id(), world.now(), "identity.renewed", {"proxies": list(told.proxies)},
        target=target.target, result="failed" if told.error else "changed", error=told.error,
    )  # fmt: skip
    draft = Draft(world.store)
    state.set_identity_trouble(draft, target.target, told if told.error else None)
    await asyncio.to_thread(world.store.append, [event], draft.values)
