"""Carries out a plan on the clusters: an intent durable before each write, an outcome after it.

Clusters go side by side and do not wait for each other; on one cluster waves go one after the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.model.events import AuditEvent, Intent
from reconciler.model.health import HEALTHY, Health
from reconciler.model.live import LiveCluster
from reconciler.model.plans import Action, ApplyResult, Change, Outcome, TargetPlan
from reconciler.model.refs import ObjectKey
from reconciler.pipeline.lease import Tenure
from reconciler.pipeline.record import RunContext, object_event, outcome_event
from reconciler.pipeline.steps import Bridge, Step, waves
from reconciler.pipeline.wave import Ended, Wave
from reconciler.pipeline.world import World
from reconciler.pipeline.write import Done, write
from reconciler.plan.stamp import with_event
from reconciler.ports import Cluster, ClusterError, Forbidden, LeaseLost, Proofs, ServerFailed, Unreachable

Progress = Callable[[ApplyResult], None]
Judge = Callable[[Mapping[str, Any]], Health]


@dataclass
class TargetApply:
    """The apply of one target under its lease. ``stop`` is asked before every write; true ends it after what is in
    hand. ``forbidden`` is true once the cluster has refused a write for want of rights."""

    world: World
    context: RunContext
    cluster: Cluster
    live: LiveCluster
    bridge: Bridge
    health: Judge
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
            steps = [step for step in wave if step.change.key not in self._lost]
            results += await Wave(steps, self, self.stop).run() if steps else []
        return results

    def why_not(self) -> str:
        if reason := self.lease.over():
            return reason
        if self._down:
            return f"not tried: {self._down}"
        return "the run was asked to stop" if self.stop() else ""

    def give_up(self, step: Step, reason: str) -> ApplyResult:
        self._lost.add(step.change.key)
        unreachable = self._down and not self.lease.lost
        return ApplyResult(step.change, Outcome.UNREACHABLE if unreachable else Outcome.SKIPPED, reason)

    def unknown(self, step: Step) -> ApplyResult:
        return self._unknown(step.change, "the run was asked to stop, and no answer came", 0.0)

    def report(self, result: ApplyResult) -> None:
        self.progress(result)

    async def record(self, ended: Sequence[Ended], opening: Sequence[Step]) -> str:
        """The proofs go with the outcomes: a run that dies later does not take its own writes for another's."""
        closed: dict[str, AuditEvent | None] = {}
        proofs: dict[ObjectKey, tuple[str, str] | None] = {}
        for each in ended:
            if each.result is not None and _is_known(each):
                event = self._events[each.step.change.key]
                closed[event.id] = outcome_event(event, each.result, self.world.now()) if each.begun else None
                if each.result.event_id:
                    proofs[each.step.change.key] = _proof(each.result)
        opened = [self._intent(step.change) for step in opening if step.first]
        try:
            await asyncio.to_thread(self._recorded, closed, Proofs(self.cluster.name, proofs), opened)
        except LeaseLost as problem:
            # Whoever took over completes the record of these from what lives: recorded here too, it would be twice.
            self.lease.stop(str(problem))
            return str(problem)
        return ""

    def _recorded(self, closed: Mapping[str, AuditEvent | None], proofs: Proofs, opened: Sequence[Intent]) -> None:
        held = [self.lease.lease]
        if closed:
            self.world.store.close_intents(closed, held, proofs, opened)
        elif opened:
            self.world.store.open_intents(opened, held)

    def _intent(self, change: Change) -> Intent:
        event = object_event(self.context, change, self.world.new_id(), self.world.now())
        details = {**event.details, "lease": self.lease.lease.token}
        if change.foreign_paths:
            details["removes"] = list(change.foreign_paths)
        event = self._events[change.key] = replace(event, details=details)
        return Intent(event.id, event, change.resource_version, change.desired_hash)

    async def write(self, step: Step) -> ApplyResult | None:
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
            health=self.health(done.body) if done.body else HEALTHY,
        )


def _is_known(ended: Ended) -> bool:
    """Whether this run can say what became of an intent. One that was begun and may have been written stays open, and
    so does the second half of a change whose first was written."""
    if not ended.begun:
        return ended.announced and ended.step.first
    return ended.result is not None and ended.result.outcome not in (Outcome.UNREACHABLE, Outcome.SKIPPED)


def _proof(result: ApplyResult) -> tuple[str, str] | None:
    return (result.change.desired_hash, result.resource_version) if result.outcome is Outcome.CHANGED else None


def by_cluster(targets: Sequence[TargetPlan]) -> Iterator[tuple[str, list[TargetPlan]]]:
    """Targets grouped by cluster: those of one cluster go one after the other."""
    names = sorted({target.target.cluster for target in targets})
    for name in names:
        yield name, [target for target in targets if target.target.cluster == name]
