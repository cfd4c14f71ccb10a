"""One stage of a round on all its clusters: side by side, none waiting for a place that a silent one holds, and in a
daemon none waiting long for one that is late when most are done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.model.documents import DesiredState
from reconciler.pipeline.world import World

T = TypeVar("T")
PLACE_SECONDS = 1.0  # longer than that, a cluster mostly waits: its place goes to the next one
POLL = 0.25


@dataclass
class Stage(Generic[T]):
    """``name`` of the stage; ``jobs`` by cluster."""

    world: World
    desired: DesiredState
    name: str
    jobs: Mapping[str, Callable[[], Awaitable[T]]]
    _began: dict[str, float] = field(default_factory=dict)

    async def run(self, late: Callable[[str, str], T]) -> dict[str, T]:
        """What became of each; ``late`` (name, why) makes it of one that is cut off, as it keeps the others waiting."""
        tasks = await self.begin()
        behind = {name: task for name, task in tasks.items() if not task.done()}
        await _cancelled(behind)
        return {
            name: late(name, self.excuse(name)) if name in behind else task.result() for name, task in tasks.items()
        }

    async def begin(self) -> dict[str, asyncio.Task[T]]:
        """Every cluster's task when the stage is over for the others; those that are late still run. An error of one
        is in its task."""
        gate = asyncio.Semaphore(self.desired.settings.limits.parallel_clusters)
        tasks = {name: asyncio.create_task(self._one(gate, name)) for name in self.jobs}
        try:
            await self._wait(tasks)
        except asyncio.CancelledError:
            await _cancelled(tasks)
            raise
        return tasks

    def excuse(self, name: str) -> str:
        waited = asyncio.get_running_loop().time() - self._began.get(name, 0.0)
        return f"late: no end of {self.name} within {waited:.0f} s, when others had ended; it goes on beside them"

    async def _one(self, gate: asyncio.Semaphore, name: str) -> T:
        loop = asyncio.get_running_loop()
        await gate.acquire()
        held = True

        def leave() -> None:
            nonlocal held
            if held:
                held = False
                gate.release()

        self._began[name] = loop.time()
        timer = loop.call_later(PLACE_SECONDS, leave)
        try:
            result = await self.jobs[name]()
        finally:
            timer.cancel()
            leave()
        if self.world.breakers is not None and not isinstance(result, str):
            self.world.breakers.took(name, self.name, loop.time() - self._began[name])
        return result

    async def _wait(self, tasks: Mapping[str, asyncio.Task[T]]) -> None:
        """Until all are done; or, where there are circuits, until most are and the rest has had its time."""
        everybody, left = asyncio.Event(), len(tasks)

        def ended(_task: asyncio.Task[T]) -> None:
            nonlocal left
            left -= 1
            if not left:
                everybody.set()

        for task in tasks.values():
            task.add_done_callback(ended)
        while left:
            rest = self._rest(tasks)
            if rest is not None and rest <= 0 and 2 * left <= len(tasks):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(None if rest is None else max(rest, POLL)):
                    await everybody.wait()

    def _rest(self, tasks: Mapping[str, asyncio.Task[T]]) -> float | None:
        """Seconds until all that still run are late, 0 or less when they are; None to wait for ever."""
        breakers = self.world.breakers
        if breakers is None:
            return None
        now = asyncio.get_running_loop().time()
        return max(
            (
                self._began[name] + breakers.patience(name, self.name) - now if name in self._began else POLL
                for name, task in tasks.items()
                if not task.done()
            ),
            default=0.0,
        )


async def _cancelled(tasks: Mapping[str, asyncio.Task[T]]) -> None:
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
