"""Sick clusters, beside the rounds: each is probed when its time has come, and one that answers gets a round alone.

Only when that went well, and in time, rounds include the cluster again; a slow one goes on alone at each interval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from reconciler.daemon.rounds import Round, Watch, one_round
from reconciler.pipeline.breaker import Breakers, Circuit
from reconciler.pipeline.world import Request, World
from reconciler.ports import ClusterError, Forbidden

LOOK_EVERY = 0.25  # seconds; a look costs next to nothing
PROBE_TIMEOUT = 10.0


@dataclass
class Beside:
    """``interval``: seconds between two rounds of a slow cluster, asked each time."""

    world: World
    breakers: Breakers
    watch: Watch
    limit: str
    stop: Callable[[], bool]
    interval: Callable[[], float]
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Until it is cancelled; ``close`` ends what it has begun."""
        while True:
            for name, circuit in self.breakers.open().items():
                if name not in self._tasks and circuit.retry_at <= self.breakers.now() and not self.stop():
                    self._tasks[name] = asyncio.create_task(self._try(name, circuit))
            for name in [name for name, task in self._tasks.items() if task.done()]:
                self._ended(name, self._tasks.pop(name))
            await asyncio.sleep(LOOK_EVERY)

    async def close(self, seconds: float) -> None:
        """Wait so long for what is in hand, the writes that rounds left included; then cut it off: what was being
        written is completed in the record by the next run."""
        tasks = {*self._tasks.values(), *self.world.beside.values()}
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _try(self, name: str, circuit: Circuit) -> None:
        if left := self.world.beside.get(name):
            await asyncio.wait({left})  # a round's writes are still in hand there
            self._ended(name, left)
        self.breakers.trying(name)
        if why := await self._silent(circuit):
            self.breakers.failed(circuit.cluster, why)
            return
        done = await self._alone(name)
        self.breakers.tried(name, not done.failed, self.interval())

    async def _silent(self, circuit: Circuit) -> str:
        """Why a light request had no answer, or ""."""
        cluster = self.world.open_cluster(circuit.cluster)
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await cluster.probe()
        except Forbidden:
            return ""
        except ClusterError as problem:
            return str(problem)
        except TimeoutError:
            return f"no answer to a probe within {PROBE_TIMEOUT:g} s"
        finally:
            await cluster.close()
        return ""

    def _alone(self, name: str) -> Awaitable[Round]:
        # what is kept between runs serves one run at a time
        world = replace(self.world, kept=self.world.kept.lent(), connections=None)
        return one_round(world, Request(limit=self.limit, beside=name), "recovery", self.stop, self.watch)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        """Nothing that goes wrong here may go unseen, or leave the cluster out for ever."""
        if not task.cancelled() and (error := task.exception()):
            self.watch.log.error("a try of a sick cluster ended badly", cluster=name, error=repr(error))
            self.breakers.tried(name, False, self.interval())
