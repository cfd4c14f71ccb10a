"""The writes of a whole plan: clusters side by side, on each its targets one after the other, each under its lease."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from reconciler.model.documents import DesiredState
from reconciler.model.plans import ApplyResult, Plan, TargetPlan
from reconciler.pipeline.apply import Progress, TargetApply, by_cluster, side_by_side
from reconciler.pipeline.lease import Elsewhere, Tenure
from reconciler.pipeline.leases import Leases
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.record import RunContext
from reconciler.pipeline.world import Connections, World


@dataclass(frozen=True)
class Writing:
    """What the writes of one run have in common. ``stop`` is asked before every chunk of writes."""

    world: World
    context: RunContext
    opened: Connections
    leases: Leases
    progress: Progress
    stop: Callable[[], bool]

    async def run(self, planned: Planned, made: Plan) -> list[ApplyResult]:
        """The result of every change that writes; those of targets that another run holds are skipped."""
        if planned.desired is None:
            return []
        targets = [target for target in made.targets if any(change.writes for change in target.changes)]
        work: dict[str, Callable[[], Awaitable[list[ApplyResult]]]] = {
            name: partial(self._cluster, planned, planned.desired, found) for name, found in by_cluster(targets)
        }
        return await side_by_side(work, planned.desired.settings.limits.parallel_clusters)

    async def _cluster(self, planned: Planned, desired: DesiredState, targets: list[TargetPlan]) -> list[ApplyResult]:
        done: list[ApplyResult] = []
        for target in targets:
            limits = desired.clusters[target.target.cluster].limits
            try:
                async with self.leases.writing(target.target, limits.timeout) as lease:
                    done += await self._target(planned, desired, target, lease)
            except Elsewhere:
                done += self.leases.skipped(target)
        return done

    async def _target(
        self, planned: Planned, desired: DesiredState, target: TargetPlan, lease: Tenure
    ) -> list[ApplyResult]:
        cluster = desired.clusters[target.target.cluster]
        mesh_type = desired.mesh(target.target).type if target.target in desired.views else ""
        adapter = self.world.adapters.get(mesh_type)
        applying = TargetApply(
            world=self.world,
            context=self.context,
            cluster=self.opened.to(cluster),
            live=planned.live.clusters[cluster.name],
            bridge=adapter.bridge if adapter else (lambda _live, _desired: None),
            lease=lease,
            stop=self.stop,
            progress=self.progress,
        )
        done = await applying.run(target)
        if applying.forbidden:
            self.world.granted.forget(cluster)
        return done
