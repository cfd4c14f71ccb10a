"""Which targets are this run's to write, and which are another's: judged against what held before it looked.

A plan that was made while another run wrote is out of date: writing it would do the other's work again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from reconciler.model.findings import Finding, warning
from reconciler.model.leases import Lease
from reconciler.model.plans import ApplyResult, Outcome, TargetPlan
from reconciler.model.refs import TargetId
from reconciler.pipeline.lease import Elsewhere, Tenure, held_by, lease_name, tenure
from reconciler.pipeline.world import World


@dataclass
class Leases:
    """``before``: the last lease of each name when the run began to look. ``left``: why one was left to another.
    ``late``: those of them that this run itself goes on with beside the others."""

    world: World
    before: dict[str, Lease]
    left: dict[TargetId, str] = field(default_factory=dict)
    late: set[TargetId] = field(default_factory=set)
    _own: dict[TargetId, int] = field(default_factory=dict)

    @asynccontextmanager
    async def writing(self, target: TargetId, longest: float) -> AsyncIterator[Tenure]:
        """Hold a target's lease. Elsewhere, on the way in, when it is another's, or was since this run looked."""
        try:
            async with tenure(self.world, target, longest) as held:
                self._refuse_moved(target, held.lease)
                self._own[target] = held.lease.token
                yield held
                if held.lost:
                    self.left[target] = held.lost
        except Elsewhere as problem:
            self.left[target] = str(problem)
            raise

    def skipped(self, target: TargetPlan) -> list[ApplyResult]:
        """The results of a target that was left to another run."""
        changes = [change for change in target.changes if change.writes]
        return [ApplyResult(change, Outcome.SKIPPED, self.left[target.target]) for change in changes]

    async def elsewhere(self, targets: Iterable[TargetId]) -> frozenset[TargetId]:
        """The targets of which this run cannot say how they are now: another one held them since it looked."""
        now = await last_leases(self.world)
        return frozenset(target for target in targets if target in self.left or self._moved(target, now))

    def findings(self) -> tuple[Finding, ...]:
        """One for each target that was left."""
        return tuple(self._finding(target, why) for target, why in sorted(self.left.items()))

    def _finding(self, target: TargetId, why: str) -> Finding:
        if target in self.late:
            found = warning("late", why, hint="what it had begun is recorded; a round of its own does the rest")
        else:
            found = warning("held-elsewhere", why, hint="the next run looks again")
        return replace(found, target=target)

    def _refuse_moved(self, target: TargetId, lease: Lease) -> None:
        last = self.before.get(lease.name)
        if last and last.holder:
            raise Elsewhere(f"{held_by(last)} was writing to it while this run looked")
        if lease.token != (last.token if last else 0) + 1:
            raise Elsewhere("another run wrote to it since this one looked")

    def _moved(self, target: TargetId, now: dict[str, Lease]) -> bool:
        name = lease_name(target)
        last, current = self.before.get(name), now.get(name)
        expected = self._own.get(target, last.token if last else 0)
        if (current.token if current else 0) != expected:
            return True
        return target not in self._own and bool((last and last.holder) or (current and current.holder))


async def last_leases(world: World) -> dict[str, Lease]:
    """The last lease of every target, by name."""
    found = await asyncio.to_thread(world.store.leases, "target/", world.now())
    return {lease.name: lease for lease in found}
