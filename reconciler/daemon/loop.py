"""The schedule: APScheduler says when, an event sets one round going, and never two at once.

SIGTERM and SIGINT end after the object in hand, SIGHUP starts a round now. A round that is late runs once.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.daemon.beside import Beside
from reconciler.daemon.ending import Ending
from reconciler.daemon.metrics import Metrics
from reconciler.daemon.observing import Around, MakesObserver, Observer, started
from reconciler.daemon.rounds import Round, Watch, one_round
from reconciler.daemon.web import listening
from reconciler.pipeline.breaker import Breakers
from reconciler.pipeline.world import Request, World, keeping_connections
from reconciler.ports import SourceError

FIRST_INTERVAL = 60.0  # seconds, until the Reconciler document has been read
LONGEST_BACKOFF = 900.0
ONCE_SECONDS = 60.0  # that observers have after a single round


@dataclass
class Loop:
    """``interval`` in seconds overrides the Reconciler document's; ``address`` is where health and metrics are
    served, "" for nowhere. ``makers`` of observers, who are told of each round."""

    world: World
    watch: Watch
    ending: Ending
    limit: str = ""
    interval: float | None = None
    address: str = ""
    makers: Sequence[MakesObserver] = ()
    observers: tuple[Observer, ...] = ()
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _trigger: str = "schedule"
    _failures: int = 0
    _rounds: int = 0
    _seconds: float = FIRST_INTERVAL
    _not_before: float = 0.0
    _head: str | None = None

    def __post_init__(self) -> None:
        self._seconds = self.interval or FIRST_INTERVAL
        self.breakers = Breakers(self.world.now, random.random, self.watch.circuit)
        self.world = replace(self.world, breakers=self.breakers)

    async def run(self) -> int:
        """Rounds until a signal; the exit code of the last one."""
        async with listening(self.address, self.watch.metrics, lambda: self._rounds > 0) as port:
            self.watch.log.info("started", source=self.world.source.name, port=port or None)
            around = Around(self.world, self.watch.log, self.watch.metrics, self.wake)
            self.observers = await started(self.makers, around)
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
        beside = Beside(self.world, self.breakers, self.watch, self.limit, self._stop, lambda: self._seconds)
        looking = asyncio.create_task(beside.run())
        code = 0
        try:
            while await self._next():
                done = await self._round()
                code = done.code
                self._rounds += 1
                for observer in self.observers:
                    observer.after(done)
                await self._reschedule(scheduler, done)
        finally:
            scheduler.shutdown(wait=False)
            looking.cancel()
            await beside.close(self.ending.rest)
            await asyncio.gather(*(observer.close(self.ending.rest) for observer in self.observers))
        self.watch.log.info("stopped", exit_code=code)
        return code

    def _due(self) -> None:
        self._wake.set()

    async def _round(self) -> Round:
        """One round; cut off when the process has to end and it does not. Its record is then completed by the next."""
        request = Request(limit=self.limit)
        task = asyncio.create_task(one_round(self.world, request, self._take_trigger(), self._stop, self.watch))
        return Round(1, failed=True) if await self.ending.bounded(task) else task.result()

    async def _next(self) -> bool:
        """Wait for the next round; false when there is none. While rounds fail, only a signal or a newer commit
        comes before its time."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting = self._not_before > asyncio.get_running_loop().time()
            if self.ending.asked or self._trigger != "schedule" or not waiting or await self._has_moved():
                return not self.ending.asked

    async def _has_moved(self) -> bool:
        """Whether the source has another head than the round that failed."""
        fetching = asyncio.create_task(asyncio.to_thread(self.world.source.fetch))
        try:
            return await self.ending.bounded(fetching) or fetching.result() != self._head
        except SourceError:
            return False

    def _stop(self) -> bool:
        return self.ending.asked

    def _take_trigger(self) -> str:
        trigger, self._trigger = self._trigger, "schedule"
        return trigger

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._now)

    def _end(self) -> None:
        self.ending.ask()
        self._wake.set()

    def wake(self, trigger: str) -> None:
        """A round now, or as soon as the one under way has ended."""
        self._trigger = trigger
        self._wake.set()

    def _now(self) -> None:
        self.wake("signal")

    async def _reschedule(self, scheduler: AsyncIOScheduler, done: Round) -> None:
        """The next round after the interval of the document; later and later while rounds fail, but then with a look
        for a newer commit at each interval, unless the source itself is the trouble."""
        self._failures = self._failures + 1 if done.failed else 0
        self._seconds = self.interval or done.interval or self._seconds
        delay = min(self._seconds * 2 ** min(self._failures, 10), max(LONGEST_BACKOFF, self._seconds))
        looks = done.failed and not done.source_failed
        self._not_before = asyncio.get_running_loop().time() + (0.9 * delay if looks else 0.0)
        if looks:
            self._head = await asyncio.to_thread(self.world.source.last_known)
        trigger = IntervalTrigger(seconds=self._seconds if looks else delay, jitter=done.jitter or None)
        scheduler.reschedule_job("round", trigger=trigger)


@dataclass(frozen=True, slots=True)
class Serving:
    """How ``reconciler run`` was called, and who looks on."""

    once: bool = False
    interval: float | None = None
    limit: str = ""
    address: str = ""
    observers: tuple[MakesObserver, ...] = ()


def serve(open_world: Callable[[], AbstractContextManager[World]], log: Any, how: Serving) -> int:
    """Run the daemon, or a single round; the exit code."""
    watch, ending = Watch(log, Metrics()), Ending(log)
    with open_world() as world:
        try:
            return asyncio.run(_once(world, watch, how, ending) if how.once else _serve(world, watch, how, ending))
        finally:
            ending.over()


async def _serve(world: World, watch: Watch, how: Serving, ending: Ending) -> int:
    async with keeping_connections(world) as kept:
        return await Loop(kept, watch, ending, how.limit, how.interval, how.address, how.observers).run()


async def _once(world: World, watch: Watch, how: Serving, ending: Ending) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.ask)
    observers = await started(how.observers, Around(world, watch.log, watch.metrics, lambda _trigger: None))
    task = asyncio.create_task(one_round(world, Request(limit=how.limit), "once", lambda: ending.asked, watch))
    if await ending.bounded(task):
        return 1
    for observer in observers:
        observer.after(task.result())
    await asyncio.gather(*(observer.close(ending.rest if ending.asked else ONCE_SECONDS) for observer in observers))
    return task.result().code
