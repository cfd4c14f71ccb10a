"""Carries out the parts of a plan side by side: each checked, announced and written as soon as it is there.

The end of a round waits for late ones as long as they usually take; then they go on beside the others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from reconciler.model.plans import Action, ApplyResult, TargetPlan
from reconciler.pipeline import remember
from reconciler.pipeline.flow import POLL, cut_off, late_words
from reconciler.pipeline.parts import Parts, read_again, whole
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.preflight import preflight
from reconciler.pipeline.writing import Means, Writing

Done = tuple[Planned, list[ApplyResult]]


@dataclass
class Carry:
    """One run's way from plans to results."""

    means: Means
    _writing: set[str] = field(default_factory=set)
    _announced: asyncio.Event = field(default_factory=asyncio.Event)

    async def out(self, parts: Parts) -> Done:
        """The whole plan as it was carried out, and the result of every change that writes. What one part raises is
        raised when the others have ended."""
        tasks = {name: asyncio.create_task(self._late(name, task, parts)) for name, task in parts.late.items()}
        try:
            first, results = await self._part(parts.first, parts)
            await self._wait(tasks, parts)
            left = {name: self._left(name, parts) for name, task in tasks.items() if not task.done()}
        finally:
            ended = {name: task for name, task in tasks.items() if task.done()}
            await cut_off(tasks.values())
        others = {name: task.result() for name, task in ended.items()}
        results += [result for _, several in others.values() for result in several]
        return whole(first, {name: planned for name, (planned, _) in others.items()}, left), results

    async def _late(self, name: str, plan: asyncio.Task[Planned], parts: Parts) -> Done:
        planned = await plan
        self._writing.add(name)
        await self._announced.wait()
        return await self._part(planned, parts)

    async def _part(self, planned: Planned, parts: Parts) -> Done:
        planned = await self._sure(planned, parts)
        if planned.plan is None:
            return planned, []
        made = await preflight(self.means.world, planned, planned.plan, self.means.opened)
        planned = replace(planned, plan=made)
        elsewhere = await self.means.leases.elsewhere(target.target for target in made.targets)
        await asyncio.to_thread(remember.before, self.means.world, self.means.context, planned, elsewhere)
        self._announced.set()
        return planned, await Writing(self.means).run(planned, made)

    async def _sure(self, planned: Planned, parts: Parts) -> Planned:
        """Before anything is deleted, all is read consistently."""
        changes = planned.plan.changes if planned.plan else ()
        deletes = any(change.writes and change.action in (Action.PRUNE, Action.REPLACE) for change in changes)
        if not deletes or not self.means.opened.taken_over or parts.basis is None:
            return planned
        self.means.opened.retire({change.target.cluster for change in changes})
        return await read_again(parts.basis, planned)

    async def _wait(self, tasks: dict[str, asyncio.Task[Done]], parts: Parts) -> None:
        """Until each has ended or is left."""
        while rest := [
            seconds for name, task in tasks.items() if not task.done() and (seconds := self._rest(name, parts)) > 0
        ]:
            waiting = [task for task in tasks.values() if not task.done()]
            await asyncio.wait(waiting, timeout=min(POLL, max(rest)), return_when=asyncio.FIRST_COMPLETED)

    def _rest(self, name: str, parts: Parts) -> float:
        """Seconds for which the round still waits for one that has not ended; writes end by themselves."""
        if name in self._writing:
            return POLL
        assert self.means.world.breakers is not None
        patience = self.means.world.breakers.time_to_plan(name, parts.seconds)
        return 0.0 if self.means.stop() else parts.began + patience - asyncio.get_running_loop().time()

    def _left(self, name: str, parts: Parts) -> tuple[TargetPlan, ...]:
        """Its targets, and why they have no plan."""
        assert parts.basis is not None
        targets = parts.unplanned[name]
        if self.means.stop():
            return tuple(replace(target, error="not read: the run was asked to stop") for target in targets)
        why = late_words("reading it", asyncio.get_running_loop().time() - parts.began)
        self.means.world.late(parts.basis.desired.clusters[name], why)
        return tuple(replace(target, error=why, late=True) for target in targets)
