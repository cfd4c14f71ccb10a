"""Carries out a plan on the clusters: an intent durable before each write, an outcome after it.

Clusters go side by side and do not wait for each other; on one cluster waves go one after the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from reconciler.model.events import AuditEvent, Intent
from reconciler.model.live import LiveCluster
from reconciler.model.plans import Action, ApplyResult, Change, Outcome, TargetPlan
from reconciler.model.refs import ObjectKey
from reconciler.pipeline.lease import Tenure
from reconciler.pipeline.patience import patiently
from reconciler.pipeline.record import RunContext, object_event, outcome_event
from reconciler.pipeline.steps import Bridge, Step, waves
from reconciler.pipeline.world import World
from reconciler.pipeline.write import Done, write
from reconciler.plan.stamp import with_event
from reconciler.ports import Cluster, ClusterError, Forbidden, LeaseLost, Proofs, ServerFailed, Unreachable

WRITES_AT_ONCE = 16  # per cluster; also how many intents are made durable together

Progress = Callable[[ApplyResult], None]


@dataclass
class TargetApply:
    """The apply of one target under its lease. ``stop`` is asked before every chunk of writes; true ends it after what
    is in hand. ``forbidden`` is true once the cluster has refused a write for want of rights."""

    world: World
    context: RunContext
    cluster: Cluster
    live: LiveCluster
    bridge: Bridge
    lease: Tenure
    stop: Callable[[], bool]
    progress: Progress
    forbidden: bool = False
    _versions: dict[ObjectKey, str] = field(default_factory=dict)
    _events: dict[ObjectKey, AuditEvent] = field(default_factory=dict)
    _lost: set[ObjectKey] = field(default_factory=set)
    _down: str = ""

    async def run(self, plan: TargetPlan) -> list[ApplyResult]:
        """The result of every change that writes, in the order of writing. StoreError ends it: nothing is written
        that cannot be recorded."""
        results: list[ApplyResult] = []
        for wave in waves(plan.changes, self.live, self.bridge):
            steps = iter(wave)
            while chunk := list(islice(steps, WRITES_AT_ONCE)):
                for result in await self._chunk([step for step in chunk if step.change.key not in self._lost]):
                    self.progress(result)
                    results.append(result)
        return results

    async def _chunk(self, steps: Sequence[Step]) -> list[ApplyResult]:
        if reason := self._why_not():
            return [self._give_up(step, reason) for step in steps]
        try:
            await self._open([step for step in steps if step.first])
        except LeaseLost as problem:
            self.lease.stop(str(problem))
            return [self._give_up(step, str(problem)) for step in steps]
        outcomes = await self._write_all(steps)
        closed: dict[str, AuditEvent | None] = {}
        proofs: dict[ObjectKey, tuple[str, str] | None] = {}
        results = []
        for step, result in zip(steps, outcomes, strict=True):
            if result is None:
                continue  # the first half of a bridged change went well
            results.append(result)
            if result.outcome not in (Outcome.UNREACHABLE, Outcome.SKIPPED):
                closed[self._events[step.change.key].id] = outcome_event(
                    self._events[step.change.key], result, self.world.now()
                )
                if result.event_id:
                    proofs[step.change.key] = _proof(result)
        if closed:
            await self._close(closed, proofs)
        return results

    async def _write_all(self, steps: Sequence[Step]) -> list[ApplyResult | None]:
        """The writes side by side; of those that do not end in time once the run is to stop, nothing is known."""
        writes = [asyncio.create_task(self._write(step)) for step in steps]
        if writes:
            await patiently(writes, self.stop)
        why = "the run was asked to stop, and no answer came"
        return [
            self._unknown(step.change, why, 0.0) if done.cancelled() else done.result()
            for step, done in zip(steps, writes, strict=True)
        ]

    def _why_not(self) -> str:
        if reason := self.lease.over():
            return reason
        if self._down:
            return f"not tried: {self._down}"
        return "the run was asked to stop" if self.stop() else ""

    def _give_up(self, step: Step, reason: str) -> ApplyResult:
        self._lost.add(step.change.key)
        unreachable = self._down and not self.lease.lost
        return ApplyResult(step.change, Outcome.UNREACHABLE if unreachable else Outcome.SKIPPED, reason)

    async def _open(self, steps: Sequence[Step]) -> None:
        intents = []
        for step in steps:
            change = step.change
            event = object_event(self.context, change, self.world.new_id(), self.world.now())
            details = {**event.details, "lease": self.lease.lease.token}
            if change.foreign_paths:
                details["removes"] = list(change.foreign_paths)
            event = replace(event, details=details)
            self._events[change.key] = event
            intents.append(Intent(event.id, event, change.resource_version, change.desired_hash))
        if intents:
            await asyncio.to_thread(self.world.store.open_intents, intents, [self.lease.lease])

    async def _close(
        self, done: Mapping[str, AuditEvent | None], proofs: Mapping[ObjectKey, tuple[str, str] | None]
    ) -> None:
        """The proofs go with the outcomes: a run that dies later does not take its own writes for another's."""
        written = Proofs(self.cluster.name, proofs)
        try:
            await asyncio.to_thread(self.world.store.close_intents, done, [self.lease.lease], written)
        except LeaseLost as problem:
            # Whoever took over completes the record of these from what lives: recorded here too, it would be twice.
            self.lease.stop(str(problem))

    async def _write(self, step: Step) -> ApplyResult | None:
        change = step.change
        version = self._versions.get(change.key, change.resource_version)
        body = with_event(step.body, self._events[change.key].id) if step.body else step.body
        started = time.perf_counter()
        try:
            async with self.lease.writing():
                done = await write(self.cluster, change, body, version)
        except LeaseLost as problem:
            self._lost.add(change.key)
            return ApplyResult(change, Outcome.SKIPPED, str(problem), time.perf_counter() - started)
        except Unreachable as problem:
            self._down = str(problem)
            return self._unknown(change, str(problem), time.perf_counter() - started)
        except ServerFailed as problem:
            return self._unknown(change, str(problem), time.perf_counter() - started)
        except ClusterError as problem:
            self._lost.add(change.key)
            self.forbidden = self.forbidden or isinstance(problem, Forbidden)
            return ApplyResult(change, Outcome.FAILED, str(problem), time.perf_counter() - started)
        self._versions[change.key] = done.resource_version
        return self._result(step, done, time.perf_counter() - started) if step.last else None

    def _unknown(self, change: Change, why: str, duration: float) -> ApplyResult:
        """Whether it was written is not known: the intent stays open, and the next run looks and records."""
        self._lost.add(change.key)
        return ApplyResult(change, Outcome.UNREACHABLE, why, duration)

    def _result(self, step: Step, done: Done, duration: float) -> ApplyResult:
        pruned = step.change.action is Action.PRUNE
        return ApplyResult(
            change=step.change,
            outcome=Outcome.PRUNED if pruned else Outcome.CHANGED,
            duration=duration,
            resource_version=done.resource_version,
            event_id=self._events[step.change.key].id,
        )


def _proof(result: ApplyResult) -> tuple[str, str] | None:
    return (result.change.desired_hash, result.resource_version) if result.outcome is Outcome.CHANGED else None


def by_cluster(targets: Sequence[TargetPlan]) -> Iterator[tuple[str, list[TargetPlan]]]:
    """Targets grouped by cluster: those of one cluster go one after the other."""
    names = sorted({target.target.cluster for target in targets})
    for name in names:
        yield name, [target for target in targets if target.target.cluster == name]
