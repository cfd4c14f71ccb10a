"""The schedule: APScheduler says when, an event sets one round going, and never two at once.

SIGTERM and SIGINT end after the object in hand, SIGHUP starts a round now. A round that is late runs once.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.daemon.metrics import Metrics
from reconciler.daemon.rounds import Round, Watch, one_round
from reconciler.daemon.web import listening
from reconciler.pipeline.world import World, keeping_connections

FIRST_INTERVAL = 60.0  # seconds, until the Reconciler document has been read
LONGEST_BACKOFF = 900.0


@dataclass
class Loop:
    """``interval`` in seconds overrides the Reconciler document's; ``address`` is where health and metrics are
    served, "" for nowhere."""

    world: World
    watch: Watch
    limit: str = ""
    interval: float | None = None
    address: str = ""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _trigger: str = "schedule"
    _stopping: bool = False
    _failures: int = 0
    _rounds: int = 0

    async def run(self) -> int:
        """Rounds until a signal; the exit code of the last one."""
        async with listening(self.address, self.watch.metrics, lambda: self._rounds > 0) as port:
            self.watch.log.info("started", source=self.world.source.name, port=port or None)
            return await self._rounds_until_stopped()

    async def _rounds_until_stopped(self) -> int:
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            self._due,
            IntervalTrigger(seconds=self.interval or FIRST_INTERVAL),
            id="round",
            next_run_time=datetime.now(UTC),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        self._listen()
        scheduler.start()
        code = 0
        try:
            while await self._next():
                done = await one_round(self.world, self.limit, self._take_trigger(), self._stop, self.watch)
                code = done.code
                self._rounds += 1
                self._reschedule(scheduler, done)
        finally:
            scheduler.shutdown(wait=False)
        self.watch.log.info("stopped", exit_code=code)
        return code

    def _due(self) -> None:
        self._wake.set()

    async def _next(self) -> bool:
        await self._wake.wait()
        self._wake.clear()
        return not self._stopping

    def _stop(self) -> bool:
        return self._stopping

    def _take_trigger(self) -> str:
        trigger, self._trigger = self._trigger, "schedule"
        return trigger

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._now)

    def _end(self) -> None:
        self._stopping = True
        self._wake.set()

    def _now(self) -> None:
        self._trigger = "signal"
        self._wake.set()

    def _reschedule(self, scheduler: AsyncIOScheduler, done: Round) -> None:
        """The next round after the interval of the document; later and later while rounds fail."""
        self._failures = self._failures + 1 if done.failed else 0
        interval = self.interval or done.interval or FIRST_INTERVAL
        delay = min(interval * 2 ** min(self._failures, 10), max(LONGEST_BACKOFF, interval))
        jitter = done.jitter or None
        scheduler.reschedule_job("round", trigger=IntervalTrigger(seconds=delay, jitter=jitter))


@dataclass(frozen=True, slots=True)
class Serving:
    """How ``reconciler run`` was called."""

    once: bool = False
    interval: float | None = None
    limit: str = ""
    address: str = ""


def serve(open_world: Callable[[], AbstractContextManager[World]], log: Any, how: Serving) -> int:
    """Run the daemon, or a single round; the exit code."""
    watch = Watch(log, Metrics())
    with open_world() as world:
        if how.once:
            return asyncio.run(_once(world, how.limit, watch))
        return asyncio.run(_serve(world, watch, how))


async def _serve(world: World, watch: Watch, how: Serving) -> int:
    async with keeping_connections(world) as kept:
        return await Loop(kept, watch, how.limit, how.interval, how.address).run()


async def _once(world: World, limit: str, watch: Watch) -> int:
    stopping = False

    def note() -> None:
        nonlocal stopping
        stopping = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, note)
    done = await one_round(world, limit, "once", lambda: stopping, watch)
    return done.code
