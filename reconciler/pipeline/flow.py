"""One stage of a round on all its clusters: side by side, none waiting for a place that a silent one holds, and in a
daemon none waiting long for one that is late when most are done.

Where a late one can go on by itself (see ``parts``), the others wait a few hundredths of a second for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from reconciler.model.documents import DesiredState
from reconciler.pipeline.world import World

T = TypeVar("T")
PLACE_SECONDS = 1.0  # longer than that, a cluster mostly waits: its place goes to the next one
POLL = 0.25
QUIET_SECONDS = 0.02  # without anybody's end, at least: then those that are ready go on
QUIET_SHARE = 0.05  # and this share of the time that they took


@dataclass
class Stage(Generic[T]):
    """``name`` of the stage; ``jobs`` by cluster. ``idle``: clusters of the round that have nothing to do in it."""

    world: World
    desired: DesiredState
    name: str
    jobs: Mapping[str, Callable[[], Awaitable[T]]]
    idle: int = 0
    _began: dict[str, float] = field(default_factory=dict)
    _last_end: float = 0.0

    async def run(self, late: Callable[[str, str], T]) -> dict[str, T]:
        """What became of each; ``late`` (name, why) makes it of one that is cut off, as it keeps the others waiting."""
        tasks = await self.begin()
        behind = {name: task for name, task in tasks.items() if not task.done()}
        await cut_off(behind.values())
        return {
            name: late(name, self.excuse(name)) if name in behind else task.result() for name, task in tasks.items()
        }

    async def begin(self) -> dict[str, asyncio.Task[T]]:
        """Every cluster's task when the stage is over for the others; those that are late still run. An error of one
        is in its task."""
        return await self._begin(self._rest)

    async def ready(self, awaited: Container[str] = ()) -> dict[str, asyncio.Task[T]]:
        """Every cluster's task as soon as most have ended and the rest lags behind them; for ``awaited`` ones the
        others wait longer, as in ``begin``."""
        return await self._begin(lambda tasks: self._lag(tasks, awaited))

    async def _begin(self, rest: Rest[T]) -> dict[str, asyncio.Task[T]]:
        gate = asyncio.Semaphore(self.desired.settings.limits.parallel_clusters)
        self._last_end = asyncio.get_running_loop().time()
        tasks = {name: asyncio.create_task(self._one(gate, name)) for name in self.jobs}
        try:
            await self._wait(tasks, rest)
        except asyncio.CancelledError:
            await cut_off(tasks.values())
            raise
        return tasks

    @property
    def took(self) -> float:
        """Seconds from the first beginning to the last end so far."""
        return max(0.0, self._last_end - min(self._began.values(), default=self._last_end))

    def excuse(self, name: str) -> str:
        now = asyncio.get_running_loop().time()
        return late_words(self.name, now - self._began.get(name, now))

    async def _one(self, gate: asyncio.Semaphore, name: str) -> T:
        loop = asyncio.get_running_loop()
        await gate.acquire()
        held = True

        def leave() -> None:
            nonlocal held
            if held:
                held = False
                gate.release()

        began = self._began[name] = loop.time()
        timer = loop.call_later(PLACE_SECONDS, leave)
        try:
            result = await self.jobs[name]()
        finally:
            timer.cancel()
            leave()
        if self.world.breakers is not None and not isinstance(result, str):
            self.world.breakers.took(name, self.name, loop.time() - began)
        return result

    async def _wait(self, tasks: Mapping[str, asyncio.Task[T]], rest_of: Rest[T]) -> None:
        """Until all are done; or, where there are circuits, until most are and the rest has had its time."""
        changed, left = asyncio.Event(), len(tasks)

        def ended(_task: asyncio.Task[T]) -> None:
            nonlocal left
            left -= 1
            self._last_end = asyncio.get_running_loop().time()
            if not left or 2 * left <= len(tasks) + self.idle:
                changed.set()

        for task in tasks.values():
            task.add_done_callback(ended)
        while left:
            rest = rest_of(tasks) if self.world.breakers is not None else None
            most = 2 * left <= len(tasks) + self.idle
            if rest is not None and rest <= 0 and most:
                return
            changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if rest is None else rest if most else max(rest, POLL)):
                    await changed.wait()

    def _rest(self, tasks: Mapping[str, asyncio.Task[T]]) -> float:
        """Seconds until all that still run are late, 0 or less when they are."""
        return max((self._patience(name) for name, task in tasks.items() if not task.done()), default=0.0)

    def _lag(self, tasks: Mapping[str, asyncio.Task[T]], awaited: Container[str]) -> float:
        """Seconds until those that still run have kept the others waiting; longer for awaited ones."""
        quiet = max(QUIET_SECONDS, QUIET_SHARE * self.took)
        rest = [self._patience(name) for name, task in tasks.items() if name in awaited and not task.done()]
        return max([self._last_end + quiet - asyncio.get_running_loop().time(), *rest])

    def _patience(self, name: str) -> float:
        assert self.world.breakers is not None
        if name not in self._began:
            return POLL
        now = asyncio.get_running_loop().time()
        return self._began[name] + self.world.breakers.patience(name, self.name) - now


Rest = Callable[[Mapping[str, asyncio.Task[T]]], float]


def late_words(doing: str, waited: float) -> str:
    return f"late: {doing} took longer than {waited:.1f} s, when the others had ended; it goes on beside them"


async def cut_off(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them and wait for their ends; their errors are left in them."""
    cut = list(tasks)
    for task in cut:
        task.cancel()
    await asyncio.gather(*cut, return_exceptions=True)
