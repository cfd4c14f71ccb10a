"""After each round: those who want to be told of what happened are told; that this fails stops nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.daemon.rounds import Round
from reconciler.io.ids import new_id
from reconciler.io.notify import Channels
from reconciler.model.documents import DesiredState
from reconciler.model.events import Actor, AuditEvent, StoredEvent
from reconciler.model.notices import Notice, Weight
from reconciler.pipeline.notify import Served, notify
from reconciler.pipeline.world import World
from reconciler.ports import StoreError
from reconciler.report.events import event_to_json


@dataclass
class Notifying:
    """``channels`` are those of the daemon's file. Works beside the rounds, one message at a time."""

    world: World
    channels: Channels
    log: Any
    _task: asyncio.Task[None] | None = None
    _next: DesiredState | None = None
    _known: DesiredState | None = None
    _troubled: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Nothing to be done before there is something to tell."""

    def after(self, done: Round) -> None:
        """While messages are still under way, the newest state waits. A round that failed is told of by the routes
        of the one before."""
        if done.run is not None and done.run.planned.desired is not None:
            self._known = done.run.planned.desired
        if self._known is None:
            return
        self._next = self._known
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def close(self, seconds: float) -> None:
        """Wait a while for what is under way."""
        if self._task is not None and not self._task.done():
            await asyncio.wait({self._task}, timeout=seconds)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.channels.close()

    async def _work(self) -> None:
        while self._next is not None:
            desired, self._next = self._next, None
            now = self.world.now().isoformat()
            try:
                served = await notify(self.world.store, desired, self.channels, self.world.source.name, now)
            except StoreError as problem:
                self.log.error("notifications wait", why=str(problem))
                return
            for one in served:
                self._tell(one)

    def _tell(self, one: Served) -> None:
        name = one.route.name
        if one.error:
            if self._troubled.get(name) != one.error:
                self.log.warning("not notified", route=name, channel=one.route.to, why=one.error, since=one.since)
            self._troubled[name] = one.error
        elif one.told or name in self._troubled:
            self._troubled.pop(name, None)
            self.log.info("notified", route=name, channel=one.route.to, events=one.told)


def trial(channel: str, actor: Actor) -> tuple[Notice, tuple[StoredEvent, ...]]:
    """A message by which a channel is tried; its event is in no trail."""
    event = AuditEvent(new_id(), datetime.now(UTC), "", "notify.test", actor, details={"channel": channel})
    stored = StoredEvent(0, "", "", json.dumps(event_to_json(event), sort_keys=True))
    return Notice("Mesh: a trial", f"The channel {channel} is reached by {actor.instance}.", Weight.INFO), (stored,)
