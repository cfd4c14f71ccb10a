"""The lease of one target while a run writes to it: taken, kept by a task beside the writes, given up at the end.

The store checks its token; this module stops the writes themselves, which no cluster can check. ``leases`` is
beside it and knows which targets are another run's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler.io.permit import WRITE_PERMIT
from reconciler.model.leases import Lease
from reconciler.model.refs import TargetId
from reconciler.pipeline.world import World
from reconciler.ports import LeaseLost, StoreError

RENEWALS = 3  # in the time of one lease
RETRIES = 10  # in the time of one lease, while the store does not answer


class Elsewhere(Exception):
    """The target is another run's for now; the message says whose and until when."""


@dataclass
class Tenure:
    """The time of one lease. ``deadline`` is by ``clock``, the event loop's, read before the store's: never too late.

    ``lost`` is why nothing may be written any more, "" while it is ours.
    """

    world: World
    lease: Lease
    seconds: float
    deadline: float
    clock: Callable[[], float]
    lost: str = ""
    _trouble: str = ""
    _writes: set[asyncio.Timeout] = field(default_factory=set)

    def stop(self, why: str) -> None:
        self.lost = self.lost or why

    def over(self) -> str:
        """Why no write may begin now, or "". The wall clock sees what the other one may not: a suspended host."""
        late = self.clock() >= self.deadline or self.world.now() >= self.lease.until
        if late:
            self.stop(self._ran_out())
        return self.lost

    def check(self) -> None:
        """LeaseLost when no write may begin now."""
        if self.over():
            raise LeaseLost(self.lost)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Around one write. When the lease ends meanwhile, the write is cut off where it waits, nothing more is sent,
        and this raises LeaseLost: whether it happened is then not known."""
        self.check()
        permit = WRITE_PERMIT.set(self.check)
        scope = asyncio.timeout_at(self.deadline)
        try:
            async with scope:
                self._writes.add(scope)
                yield
        except TimeoutError:
            if not scope.expired():
                raise
            self.stop(self._ran_out())
            raise LeaseLost(self.lost) from None
        finally:
            self._writes.discard(scope)
            WRITE_PERMIT.reset(permit)

    async def keep(self) -> None:
        """Renew until it is lost. A store that does not answer is asked again until the lease has run out."""
        pause = self.seconds / RENEWALS
        while not self.lost:
            await asyncio.sleep(pause)
            pause = self.seconds / (RENEWALS if await self._renewed() else RETRIES)

    async def _renewed(self) -> bool:
        asked_at = self.clock()
        try:
            longer = await asyncio.to_thread(self._renew)
        except LeaseLost as problem:
            self.stop(str(problem))
            self._move(asked_at)
            return False
        except StoreError as problem:
            self._trouble = str(problem)
            return False
        self.lease = longer
        self._move(asked_at + self.seconds)
        return True

    def _renew(self) -> Lease:
        store = self.world.store
        longer = store.renew_lease(self.lease, self.seconds, self.world.now())
        if longer is None:
            taken = store.lease_holder(self.lease.name)
            raise LeaseLost(f"{held_by(taken)} took over {self.lease.name} meanwhile")
        return longer

    def _move(self, deadline: float) -> None:
        self.deadline = deadline
        for scope in self._writes:
            if not scope.expired():
                scope.reschedule(deadline)

    def _ran_out(self) -> str:
        why = f": {self._trouble}" if self._trouble else ""
        return f"the lease {self.lease.name} ran out at {stamp(self.lease.until)} and was not renewed in time{why}"


@asynccontextmanager
async def tenure(world: World, target: TargetId, longest: float) -> AsyncIterator[Tenure]:
    """Hold the lease of a target. ``longest``: seconds that one request to its cluster may take; the lease is longer,
    so that what a frozen holder had sent is over when it runs out.

    Raises Elsewhere, on the way in only, while another writer holds it; StoreError when that cannot be found out.
    """
    seconds = max(world.shortest_lease, 2 * longest)
    clock = asyncio.get_running_loop().time
    asked_at = clock()
    lease = await asyncio.to_thread(_acquire, world, lease_name(target), seconds)
    held = Tenure(world, lease, seconds, asked_at + seconds, clock)
    keeping = asyncio.create_task(held.keep())
    try:
        yield held
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        # What was written is recorded. A lease that cannot be given up now runs out by itself.
        with suppress(StoreError):
            await asyncio.to_thread(world.store.release_lease, held.lease)


def _acquire(world: World, name: str, seconds: float) -> Lease:
    lease = world.store.acquire_lease(name, world.actor.instance, seconds, world.now())
    if lease is None:
        raise Elsewhere(f"{held_by(world.store.lease_holder(name))} is writing to it")
    return lease


def lease_name(target: TargetId) -> str:
    return f"target/{target}"


def held_by(lease: Lease | None) -> str:
    """Who, and until when."""
    return f"{lease.holder} (lease until {stamp(lease.until)})" if lease else "another run"


def stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
