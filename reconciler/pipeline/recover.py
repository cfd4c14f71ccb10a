"""Completes the record of a run that died: for each write it had announced, the cluster tells whether it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.documents import DesiredState
from reconciler.model.events import AuditEvent, Intent
from reconciler.model.live import LiveObject
from reconciler.model.native import FIELD_MANAGER, NativeKind
from reconciler.model.refs import KindId
from reconciler.pipeline.world import Connections, World
from reconciler.plan.authors import owners
from reconciler.ports import ClusterError


async def recover(world: World, desired: DesiredState, opened: Connections, kinds: Mapping[KindId, NativeKind]) -> int:
    """Close every intent that can be judged now and return how many. Those on clusters that do not answer stay
    open; those on clusters that Git no longer has are recorded as unknown."""
    closed: dict[str, AuditEvent | None] = {}
    for intent in await asyncio.to_thread(world.store.pending_intents):
        verdict = await _judge(intent, desired, opened, kinds)
        if verdict == "written":
            closed[intent.id] = _recovered(intent, intent.event.result, "")
        elif verdict == "not written":
            closed[intent.id] = None
        elif verdict == "unknown":
            closed[intent.id] = _recovered(intent, "unknown", "the run died and the cluster cannot be asked any more")
    if closed:
        await asyncio.to_thread(world.store.close_intents, closed)
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
    return "written" if _is_result(intent, live) else "not written"


def _is_result(intent: Intent, live: LiveObject) -> bool:
    """Whether the live object is what the intent wrote, or came after it: its version moved, and by our hand."""
    if live.resource_version == intent.resource_version:
        return False
    known = owners(live.body())
    if not known:
        return True
    ours = max((owner.time for owner in known if owner.manager == FIELD_MANAGER), default="")
    # managedFields have whole seconds, so the second of the announcement counts as after it
    return ours >= intent.event.time.strftime("%Y-%m-%dT%H:%M:%SZ")
