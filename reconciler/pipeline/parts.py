"""A round's plan in parts, so that no cluster waits for a late one: first that of all clusters that are ready together,
then that of each other one when it has been read.

What a late cluster is like is taken from its last known facts meanwhile. Without circuits there is one part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.model.facts import ClusterFacts, Facts
from reconciler.model.live import LiveCluster, LiveState
from reconciler.model.plans import TargetPlan
from reconciler.pipeline.ahead import Ahead
from reconciler.pipeline.compiling import Compilation
from reconciler.pipeline.discover import Discovery
from reconciler.pipeline.flow import Stage, cut_off
from reconciler.pipeline.observe import live_state, observed_clusters, reading
from reconciler.pipeline.planning import Basis, Planned, based, whole_plan
from reconciler.pipeline.recorded import is_recorded
from reconciler.pipeline.world import Connections, Request, World
from reconciler.plan.build import fingerprint
from reconciler.plan.rules import PlanRules


@dataclass(frozen=True)
class Parts:
    """``late``: per cluster the task of its plan; ``unplanned``: its targets until then. ``began`` is by the clock of
    the event loop, ``seconds`` what reading took for the first plan. ``reading``: what may still run at the end."""

    first: Planned
    late: Mapping[str, asyncio.Task[Planned]] = field(default_factory=dict)
    unplanned: Mapping[str, tuple[TargetPlan, ...]] = field(default_factory=dict)
    began: float = 0.0
    seconds: float = 0.0
    reading: tuple[asyncio.Task[Any], ...] = ()
    basis: Basis | None = None

    async def end(self) -> None:
        await cut_off([*self.late.values(), *self.reading])


async def in_parts(world: World, request: Request, opened: Connections) -> Parts:
    """Plan what a request asks. Whoever takes the parts ends the late tasks. SourceError, StoreError pass through."""
    basis = await based(world, request, opened)
    if isinstance(basis, Planned):
        return Parts(basis)
    if world.breakers is None or request.facts is not None:
        return Parts(await whole_plan(basis), basis=basis)
    return await _Parting(basis, basis.discovery()).parts()


@dataclass(frozen=True)
class _View:
    """All that a plan is made from but the live state."""

    facts: Facts
    compilation: Compilation
    rules: PlanRules


@dataclass(frozen=True)
class _Parting:
    basis: Basis
    discovery: Discovery
    asked: dict[str, asyncio.Task[ClusterFacts | str]] = field(default_factory=dict)
    read: dict[str, asyncio.Task[LiveCluster | str]] = field(default_factory=dict)

    async def parts(self) -> Parts:
        try:
            return await self._parts()
        except BaseException:
            await cut_off([*self.asked.values(), *self.read.values()])
            raise

    async def _parts(self) -> Parts:
        began, stage = asyncio.get_running_loop().time(), self.discovery.stage()
        world = self.basis.world
        never_seen = [name for name in stage.jobs if not is_recorded(world.store, name, world.kept.recorded)]
        self.asked.update(await stage.ready(never_seen))
        view = await self._view()
        unasked = _running(self.asked)
        live, seconds = await self._first_live(view, unasked)
        unread = _running(self.read)
        planned = await self.basis.plan(view.facts, view.compilation, view.rules, live)
        late = {name: asyncio.create_task(self._asked_late(name)) for name in unasked}
        late |= {name: asyncio.create_task(self._read_late(name, view)) for name in unread}
        first, unplanned = _split(planned, frozenset(late))
        still = (*self.asked.values(), *self.read.values())
        return Parts(first, late, unplanned, began, stage.took + seconds, still, self.basis)

    async def _view(self) -> _View:
        """By the facts that are known now."""
        answers = {name: task.result() for name, task in self.asked.items() if task.done()}
        return await self.view_of(self.discovery.facts(answers, _running(self.asked)))

    async def view_of(self, facts: Facts) -> _View:
        compilation = await self.basis.compiled(facts)
        return _View(facts, compilation, self.basis.rules(compilation, facts))

    async def _first_live(self, view: _View, unasked: Collection[str]) -> tuple[LiveState, float]:
        basis, unreachable = self.basis, self.basis.unreachable(view.facts)
        names = observed_clusters(basis.world, basis.desired, view.rules.selection.targets)
        stage = self.reading(view)([name for name in names if name not in unreachable and name not in unasked])
        self.read.update(await stage.ready())
        results = {name: task.result() for name, task in self.read.items() if task.done()}
        silent = {name: unreachable[name] for name in names if name in unreachable}
        return live_state({**silent, **results}), stage.took

    async def _asked_late(self, name: str) -> Planned:
        await self.asked[name]
        view = await self._view()
        if why := self.basis.unreachable(view.facts).get(name):
            return await self._of(name, view, why)
        tasks = await self.reading(view)([name]).begin()
        return await self._of(name, view, tasks[name].result())

    async def _read_late(self, name: str, view: _View) -> Planned:
        return await self._of(name, view, await self.read[name])

    async def _of(self, name: str, view: _View, found: LiveCluster | str) -> Planned:
        planned = await self.basis.plan(view.facts, view.compilation, view.rules, live_state({name: found}))
        return _only(planned, name)

    def reading(self, view: _View) -> Callable[[Iterable[str]], Stage[LiveCluster | str]]:
        basis = self.basis
        return reading(basis.world, basis.desired, view.compilation.compiled, view.rules, Ahead(basis.opened))


async def read_again(basis: Basis, planned: Planned) -> Planned:
    """The same part of a plan, with its clusters read anew."""
    targets = planned.plan.targets if planned.plan else ()
    names = {target.target.cluster for target in targets if not target.error}
    discovery, world = basis.discovery(), basis.world
    stage = discovery.stage()
    stage.jobs = {name: job for name, job in stage.jobs.items() if name in names}
    known = {name: found for name, found in planned.facts.clusters.items() if name not in planned.facts.stale}
    answers = await stage.run(lambda name, why: world.late(basis.desired.clusters[name], why))
    parting = _Parting(basis, discovery)
    view = await parting.view_of(discovery.facts({**known, **planned.facts.unreachable, **answers}))
    silent = {name: why for name, why in basis.unreachable(view.facts).items() if name in names}
    read = await parting.reading(view)(sorted(names - set(silent))).run(
        lambda name, why: world.late(basis.desired.clusters[name], why)
    )
    live = live_state({**planned.live.unreachable, **silent, **read})
    again = await basis.plan(view.facts, view.compilation, view.rules, live)
    clusters = {target.target.cluster for target in targets}
    found = again.plan.targets if again.plan else ()
    return _with_targets(again, (target for target in found if target.target.cluster in clusters))


def _running(tasks: Mapping[str, asyncio.Task[Any]]) -> list[str]:
    return [name for name, task in tasks.items() if not task.done()]


def _split(planned: Planned, late: frozenset[str]) -> tuple[Planned, dict[str, tuple[TargetPlan, ...]]]:
    """The plan without the late clusters, and their targets."""
    targets = planned.plan.targets if planned.plan else ()
    unplanned = {name: tuple(target for target in targets if target.target.cluster == name) for name in sorted(late)}
    return _with_targets(planned, (target for target in targets if target.target.cluster not in late)), unplanned


def _only(planned: Planned, name: str) -> Planned:
    targets = planned.plan.targets if planned.plan else ()
    return _with_targets(planned, (target for target in targets if target.target.cluster == name))


def _with_targets(planned: Planned, targets: Iterable[TargetPlan]) -> Planned:
    chosen = tuple(sorted(targets, key=lambda target: target.target))
    plan = replace(planned.plan, targets=chosen, fingerprint=fingerprint(chosen)) if planned.plan else None
    return replace(planned, plan=plan)


def whole(first: Planned, others: Mapping[str, Planned], left: Mapping[str, Sequence[TargetPlan]]) -> Planned:
    """One plan of its parts: ``others`` by the cluster that each is of; ``left`` are targets without a plan."""
    plans = [part.plan for part in (first, *others.values()) if part.plan is not None]
    targets = [target for plan in plans for target in plan.targets]
    told = _with_targets(first, [*targets, *(target for several in left.values() for target in several)])
    if told.plan is None:
        return told
    findings = tuple(dict.fromkeys(finding for plan in plans for finding in plan.findings))
    verdicts = tuple(dict.fromkeys(verdict for plan in plans for verdict in plan.verdicts))
    live = LiveState(
        {**first.live.clusters, **{name: one for part in others.values() for name, one in part.live.clusters.items()}},
        {**first.live.unreachable, **{name: why for p in others.values() for name, why in p.live.unreachable.items()}},
    )
    plan = replace(told.plan, findings=findings, verdicts=verdicts)
    return replace(told, plan=plan, live=live, facts=_facts(first.facts, others, left))


def _facts(first: Facts, others: Mapping[str, Planned], left: Mapping[str, Sequence[TargetPlan]]) -> Facts:
    """Those that were read, of each cluster by its own part."""
    clusters, unreachable, stale = dict(first.clusters), dict(first.unreachable), set(first.stale)
    for name, part in others.items():
        clusters |= {known: found for known, found in part.facts.clusters.items() if known == name}
        unreachable |= {known: why for known, why in part.facts.unreachable.items() if known == name}
        stale |= part.facts.stale & {name}
    for name, targets in left.items():
        unreachable[name] = next((target.error for target in targets), "")
        stale |= {name} & set(clusters)
    return Facts(clusters, unreachable, frozenset(stale))
