"""Completes the record of a run that died: for each write it had announced, the cluster tells whether it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.io.pointers import parse
from reconciler.model.clusters import ClusterLimits
from reconciler.model.documents import DesiredState
from reconciler.model.events import AuditEvent, Intent
from reconciler.model.leases import Lease
from reconciler.model.live import LiveObject
from reconciler.model.native import EVENT_ANNOTATION, NativeKind
from reconciler.model.refs import KindId, ObjectKey, TargetId
from reconciler.pipeline.lease import Elsewhere, tenure
from reconciler.pipeline.world import Connections, World
from reconciler.plan.paths import MISSING, Path, get
from reconciler.ports import ClusterError, LeaseLost, Proofs


async def recover(
    world: World,
    desired: DesiredState,
    opened: Connections,
    kinds: Mapping[KindId, NativeKind],
    silent: Container[str] = (),
) -> int:
    """Close every intent that can be judged now and return how many. Those of a run that still lives stay open, and
    those on clusters that do not answer (``silent`` ones are not asked); those on clusters that Git no longer has
    are recorded as unknown."""
    pending = await asyncio.to_thread(world.store.pending_intents)
    closed = 0
    for target in sorted({intent.event.target for intent in pending if intent.event.target}):
        if target.cluster in silent:
            continue
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
    proofs: dict[ObjectKey, tuple[str, str] | None] = {}
    for intent in await asyncio.to_thread(world.store.pending_intents):
        if intent.event.target != target or intent.event.object is None:
            continue
        kind = kinds.get(intent.event.object.kind_id)
        if target.cluster not in desired.clusters or kind is None:
            closed[intent.id] = _recovered(intent, GONE)
            continue
        try:
            live = await opened.to(desired.clusters[target.cluster]).read(intent.event.object, kind)
        except ClusterError:
            continue  # asked again by the next run
        became = judge(intent, live)
        closed[intent.id] = _recovered(intent, became) if became else None
        if became and not (live and became.why):
            # whatever it is compared with now, nobody but us wrote it last: no drift
            proofs[intent.event.object] = ("", live.resource_version) if live else None
    if closed:
        await asyncio.to_thread(world.store.close_intents, closed, [lease], Proofs(target.cluster, proofs))
    return len(closed)


@dataclass(frozen=True, slots=True)
class Became:
    """What became of an announced write: a result, and a word where only a part of it was done."""

    result: str
    why: str = ""


GONE = Became("unknown", "the run died and the cluster cannot be asked any more")


def judge(intent: Intent, live: LiveObject | None) -> Became | None:
    """What the live object says of a write that was announced; None when nothing was written.

    Every write of a body leaves the id of its event on the object, so no clock is asked.
    """
    event = intent.event
    if live is None:
        if event.type == "object.pruned":
            return Became(event.result)
        if event.type == "object.replaced":
            return Became(event.result, "the old object was deleted, and the run died before the new one was written")
        return None
    if event.type == "object.pruned" and event.details.get("lent") and not live.lent:
        return Became(event.result)  # the object is somebody else's and stays: our keys are off it
    if event.type != "object.pruned" and live.annotations.get(EVENT_ANNOTATION) == intent.id:
        return Became(event.result)
    removes = event.details.get("removes") or () if event.type != "object.pruned" else ()  # there, what goes with it
    if live.resource_version != intent.resource_version and removes and not _any_left(removes, live.body()):
        return Became(event.result, "fields of others were removed, and the run died before it wrote its own")
    return None


def _any_left(pointers: Iterable[str], body: Mapping[str, Any]) -> bool:
    return any(get(body, _path(pointer, body)) is not MISSING for pointer in pointers)


def _path(pointer: str, body: Any) -> Path:
    """The pointer's steps, those into lists as numbers."""
    steps: list[str | int] = []
    for step in parse(pointer):
        steps.append(int(step) if isinstance(body, list) and step.isdecimal() else step)
        body = get(body, (steps[-1],))
    return tuple(steps)


def _recovered(intent: Intent, became: Became) -> AuditEvent:
    details = {**intent.event.details, "recovered": True}
    return replace(intent.event, result=became.result, error=became.why, details=details)
