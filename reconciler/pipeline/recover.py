"""Completes the record of a run that died: for each write it had announced, the cluster tells whether it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.documents import ClusterLimits, DesiredState
from reconciler.model.events import AuditEvent, Intent
from reconciler.model.native import EVENT_ANNOTATION, NativeKind
from reconciler.model.refs import KindId, TargetId
from reconciler.pipeline.lease import Elsewhere, tenure
from reconciler.pipeline.world import Connections, World
from reconciler.ports import ClusterError, Lease, LeaseLost


async def recover(world: World, desired: DesiredState, opened: Connections, kinds: Mapping[KindId, NativeKind]) -> int:
    """Close every intent that can be judged now and return how many. Those of a run that still lives stay open, and
    those on clusters that do not answer; those on clusters that Git no longer has are recorded as unknown."""
    pending = await asyncio.to_thread(world.store.pending_intents)
    closed = 0
    for target in sorted({intent.event.target for intent in pending if intent.event.target}):
        cluster = desired.clusters.get(target.cluster)
        try:
            async with tenure(world, target, (cluster.limits if cluster else ClusterLimits()).timeout) as held:
                closed += await _recover(world, desired, opened, kinds, target, held.lease)
        except (Elsewhere, LeaseLost):
            continue  # its intents are another run's to close
    return closed


async def _recover(
    world: World,
    desired: DesiredState,
    opened: Connections,
    kinds: Mapping[KindId, NativeKind],
    target: TargetId,
    lease: Lease,
) -> int:
    """The intents of one target, as they are now that nobody else can close them."""
    closed: dict[str, AuditEvent | None] = {}
    for intent in await asyncio.to_thread(world.store.pending_intents):
        if intent.event.target != target:
            continue
        verdict = await _judge(intent, desired, opened, kinds)
        if verdict == "written":
            closed[intent.id] = _recovered(intent, intent.event.result, "")
        elif verdict == "not written":
            closed[intent.id] = None
        elif verdict == "unknown":
            closed[intent.id] = _recovered(intent, "unknown", "the run died and the cluster cannot be asked any more")
    if closed:
        await asyncio.to_thread(world.store.close_intents, closed, [lease])
    return len(closed)


def _recovered(intent: Intent, result: str, why: str) -> AuditEvent:
    details = {**intent.event.details, "recovered": True}
    return replace(intent.event, result=result, error=why, details=details)


async def _judge(intent: Intent, desired: DesiredState, opened: Connections, kinds: Mapping[KindId, NativeKind]) -> str:
    """ "written", "not written", "unknown" (for ever), or "" (ask again later)."""
    target, key = intent.event.target, intent.event.object
    if target is None or key is None or target.cluster not in desired.clusters or key.kind_id not in kinds:
        return "unknown"
    try:
        live = await opened.to(desired.clusters[target.cluster]).read(key, kinds[key.kind_id])
    except ClusterError:
        return ""
    if intent.event.type == "object.pruned":
        return "written" if live is None else "not written"
    if live is None:
        return "not written"
    # every write leaves the id of its event on the object, so no clock is asked
    return "written" if live.annotations.get(EVENT_ANNOTATION) == intent.id else "not written"
