"""The writes of a whole plan: clusters side by side, on each its targets one after the other, each under its lease.

In a daemon the others do not wait for a slow cluster: it ends what is in hand beside them, under its lease, recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from reconciler.adapters.base import always_healthy
from reconciler.model.documents import DesiredState
from reconciler.model.plans import ApplyResult, Outcome, Plan, TargetPlan
from reconciler.pipeline.apply import Progress, TargetApply, by_cluster
from reconciler.pipeline.flow import Stage
from reconciler.pipeline.lease import Elsewhere, Tenure
from reconciler.pipeline.leases import Leases
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.record import RunContext
from reconciler.pipeline.world import Connections, World


@dataclass(frozen=True)
class Means:
    """What a run writes with, whichever part of its plan. ``stop`` is asked before every chunk of writes."""

    world: World
    context: RunContext
    opened: Connections
    leases: Leases
    progress: Progress
    stop: Callable[[], bool]


@dataclass(frozen=True)
class Writing:
    """The writes of one part of a plan."""

    means: Means
    _late: dict[str, str] = field(default_factory=dict)
    _told: list[ApplyResult] = field(default_factory=list)

    async def run(self, planned: Planned, made: Plan) -> list[ApplyResult]:
        """The result of every change that writes; those of targets that another run holds are skipped, and those of
        a late cluster as far as they are known. What one cluster raises is raised when all have ended."""
        desired = planned.desired
        if desired is None:
            return []
        found = dict(by_cluster([target for target in made.targets if any(c.writes for c in target.changes)]))
        jobs = {name: partial(self._cluster, planned, desired, targets) for name, targets in found.items()}
        stage = Stage(self.means.world, desired, "writing", jobs, idle=planned.others(jobs))
        tasks = await stage.begin()
        for name in [name for name, task in tasks.items() if not task.done()]:
            self._leave(desired, stage.excuse(name), found[name], tasks.pop(name))
        for error in [error for task in tasks.values() if (error := task.exception())]:
            raise error
        results = [result for task in tasks.values() for result in task.result()]
        return results + [result for name in self._late for result in self._so_far(name, found[name])]

    def _leave(
        self, desired: DesiredState, why: str, targets: list[TargetPlan], task: asyncio.Task[list[ApplyResult]]
    ) -> None:
        """It begins nothing new, and the rest is for the next run on this cluster."""
        cluster = desired.clusters[targets[0].target.cluster]
        self._late[cluster.name] = self.means.world.late(cluster, why)
        for target in targets:
            self.means.leases.left[target.target] = why
            self.means.leases.late.add(target.target)
        connection = self.means.opened.left(cluster.name)

        async def ending() -> None:
            try:
                await task
            finally:
                if connection is not None:
                    await connection.close()
                self.means.world.beside.pop(cluster.name, None)

        self.means.world.beside[cluster.name] = asyncio.create_task(ending())

    def _so_far(self, name: str, targets: list[TargetPlan]) -> list[ApplyResult]:
        done = [result for result in self._told if result.change.target.cluster == name]
        known = {(result.change.target, result.change.key) for result in done}
        rest = [change for target in targets for change in target.changes if change.writes]
        return done + [
            ApplyResult(change, Outcome.SKIPPED, self._late[name])
            for change in rest
            if (change.target, change.key) not in known
        ]

    def _note(self, result: ApplyResult) -> None:
        self._told.append(result)
        self.means.progress(result)

    async def _cluster(self, planned: Planned, desired: DesiredState, targets: list[TargetPlan]) -> list[ApplyResult]:
        done: list[ApplyResult] = []
        for target in targets:
            if target.target.cluster in self._late:
                break
            limits = desired.clusters[target.target.cluster].limits
            try:
                async with self.means.leases.writing(target.target, limits.timeout) as lease:
                    done += await self._target(planned, desired, target, lease)
            except Elsewhere:
                done += self.means.leases.skipped(target)
        why = next((result.message for result in done if result.outcome is Outcome.UNREACHABLE), "")
        if why:
            self.means.world.trouble(desired.clusters[targets[0].target.cluster], why)
        return done

    async def _target(
        self, planned: Planned, desired: DesiredState, target: TargetPlan, lease: Tenure
    ) -> list[ApplyResult]:
        cluster = desired.clusters[target.target.cluster]
        mesh_type = desired.mesh(target.target).type if target.target in desired.views else ""
        adapter = self.means.world.adapters.get(mesh_type)
        applying = TargetApply(
            world=self.means.world,
            context=self.means.context,
            cluster=self.means.opened.to(cluster),
            live=planned.live.clusters[cluster.name],
            bridge=adapter.bridge if adapter else (lambda _live, _desired: None),
            health=adapter.health if adapter else always_healthy,
            lease=lease,
            stop=lambda: self.means.stop() or cluster.name in self._late,
            progress=self._note,
        )
        done = await applying.run(target)
        if applying.forbidden:
            self.means.world.granted.forget(cluster)
        return done
