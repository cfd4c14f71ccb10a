"""From a request to a plan: the stages up to the point where a dry-run stops."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from reconciler.model.documents import DesiredState
from reconciler.model.facts import Facts
from reconciler.model.findings import Finding
from reconciler.model.live import LiveState
from reconciler.model.native import Compiled, NativeKind
from reconciler.model.plans import Plan
from reconciler.model.refs import KindId, TargetId
from reconciler.model.settings import IgnoreRule
from reconciler.pipeline import state
from reconciler.pipeline.ahead import read_ahead
from reconciler.pipeline.blame import with_commits
from reconciler.pipeline.compiling import Compilation, compile_all
from reconciler.pipeline.discover import Discovery, discover
from reconciler.pipeline.health import with_health
from reconciler.pipeline.observe import kinds_of, observe, observed_clusters
from reconciler.pipeline.prepare import Prepared, prepare
from reconciler.pipeline.world import Connections, Request, World
from reconciler.plan.build import Previous, build_plan
from reconciler.plan.guards import GuardRules
from reconciler.plan.rules import Behaviour, PlanRules, Selection


@dataclass(frozen=True, repr=False)
class Planned:
    """All that planning came to know; ``plan`` is None when there was nothing usable to plan from."""

    prepared: Prepared
    plan: Plan | None = None
    desired: DesiredState | None = None
    facts: Facts = field(default_factory=Facts)
    compiled: Compiled = field(default_factory=lambda: Compiled(""))
    previous: Previous | None = None
    live: LiveState = field(default_factory=LiveState)

    @property
    def findings(self) -> tuple[Finding, ...]:
        found = self.prepared.findings + (self.plan.findings if self.plan else ())
        return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.sort_key))

    def others(self, names: Collection[str]) -> int:
        """How many more clusters than these are in the round and answered; none in a round of one alone."""
        known = self.desired.clusters if self.desired else ()
        return sum(1 for name in known if name not in names and name not in self.facts.unreachable)


@dataclass(frozen=True)
class Basis:
    """What every part of a plan is made from. ``asked``: the state as Git has it; ``desired``: with the clusters that
    left it and are to be pruned first."""

    world: World
    request: Request
    opened: Connections
    prepared: Prepared
    asked: DesiredState
    desired: DesiredState

    def discovery(self) -> Discovery:
        return Discovery(self.world, self.desired, self.opened, self.prepared.selected, self.request)

    async def compiled(self, facts: Facts) -> Compilation:
        return await compile_all(self.world, self.prepared, self.asked, facts)

    def rules(self, compilation: Compilation, facts: Facts) -> PlanRules:
        return _rules(self.world, self.request, self.prepared, self.desired, compilation.compiled, facts)

    def unreachable(self, facts: Facts) -> dict[str, str]:
        """Clusters that are not to be read, and why."""
        open_now = {
            name: why for name, one in self.desired.clusters.items() if (why := self.world.why_not(one, self.request))
        }
        return {**open_now, **facts.unreachable}

    async def plan(self, facts: Facts, compilation: Compilation, rules: PlanRules, live: LiveState) -> Planned:
        """The plan of all targets; those of clusters that were not read have an error."""
        plan = build_plan(self.asked, compilation.compiled, compilation.previous, live, rules)
        plan = _with_late(plan, self.world.late_ones())
        plan = with_health(plan, live, self.desired, self.world)
        plan = await asyncio.to_thread(with_commits, plan, self.world.source)
        return Planned(self.prepared, plan, self.desired, facts, compilation.compiled, compilation.previous, live)


async def based(world: World, request: Request, opened: Connections) -> Basis | Planned:
    """The basis of a plan; Planned, without a plan, when there is nothing usable. SourceError, StoreError pass."""
    prepared = await prepare(world, request)
    desired = prepared.desired
    if desired is None:
        return Planned(prepared)
    prepared = _narrowed(prepared, desired, request)
    return rebased(Basis(world, request, opened, prepared, desired, desired), prepared)


def rebased(basis: Basis, prepared: Prepared) -> Basis:
    """The same with something else prepared, for instance other revisions as those applied last."""
    return replace(basis, prepared=prepared, desired=_with_removed_clusters(basis.asked, prepared))


async def make_plan(world: World, request: Request, opened: Connections) -> Planned:
    """Plan what a request asks. Writes nothing to any cluster. SourceError, StoreError pass through."""
    basis = await based(world, request, opened)
    return basis if isinstance(basis, Planned) else await whole_plan(basis)


async def whole_plan(basis: Basis) -> Planned:
    """One plan of all clusters, each of them waited for as long as a round waits at all."""
    world, desired = basis.world, basis.desired
    facts = basis.request.facts
    if facts is None:
        facts = await discover(world, desired, basis.opened, basis.prepared.selected, basis.request)
    unreachable = basis.unreachable(facts)
    names = observed_clusters(world, desired, basis.prepared.selected)
    ahead = read_ahead(world, desired, basis.opened, [name for name in names if name not in unreachable])
    try:
        compilation = await basis.compiled(facts)
        rules = basis.rules(compilation, facts)
        live = await observe(world, desired, compilation.compiled, rules, ahead, unreachable)
    finally:
        await ahead.end()
    return await basis.plan(facts, compilation, rules, live)


def _with_late(plan: Plan, late: frozenset[str]) -> Plan:
    """The same plan; its targets say whether they have no plan because they go on beside the others."""
    targets = (replace(t, late=bool(t.error) and t.target.cluster in late) for t in plan.targets)
    return replace(plan, targets=tuple(targets)) if late else plan


def _narrowed(prepared: Prepared, desired: DesiredState, request: Request) -> Prepared:
    """Only the targets of its one cluster, for a round beside the others."""
    if not request.beside:
        return prepared
    chosen = desired.targets if prepared.selected is None else prepared.selected
    return replace(prepared, selected=frozenset(target for target in chosen if target.cluster == request.beside))


def _with_removed_clusters(desired: DesiredState, prepared: Prepared) -> DesiredState:
    """The state with the clusters that left Git and had said ``onRemoved: Prune``: they are pruned first."""
    removed = {}
    for applied in prepared.applied.values():
        earlier = prepared.earlier.get(applied.revision)
        for name, cluster in (earlier.clusters if earlier else {}).items():
            if name not in desired.clusters and cluster.prune_when_removed and not desired.broken:
                removed[name] = cluster
    return replace(desired, clusters={**removed, **desired.clusters}) if removed else desired


def removed_clusters(prepared: Prepared) -> tuple[TargetId, ...]:
    """Targets that were applied to and whose cluster Git no longer has."""
    if prepared.desired is None or prepared.desired.broken:
        return ()
    return tuple(sorted(target for target in prepared.applied if target.cluster not in prepared.desired.clusters))


def _target_guards(prepared: Prepared) -> dict[TargetId, GuardRules]:
    """Guards as they stood in the commit last applied to each target with nothing withheld: neither a commit that a
    guard stops nor a run limited to other targets lifts them."""
    return {
        target: GuardRules(earlier.settings.limits, earlier.settings.protect, prepared.confirmed)
        for target, applied in prepared.applied.items()
        if (earlier := prepared.earlier.get(applied.guards)) is not None
    }


def _ignored_before(prepared: Prepared) -> dict[TargetId, tuple[IgnoreRule, ...]]:
    """The ignore rules of the commit applied last to each target."""
    return {
        target: earlier.settings.ignore
        for target, applied in prepared.applied.items()
        if (earlier := prepared.earlier.get(applied.revision)) is not None
    }


def _rules(
    world: World, request: Request, prepared: Prepared, desired: DesiredState, compiled: Compiled, facts: Facts
) -> PlanRules:
    kinds: dict[KindId, NativeKind] = {}
    for cluster in desired.clusters:
        kinds |= kinds_of(world, desired, compiled, cluster)
    return PlanRules(
        settings=desired.settings,
        guards=GuardRules(prepared.guarding.limits, prepared.guarding.protect, prepared.confirmed),
        target_guards=_target_guards(prepared),
        ignored_before=_ignored_before(prepared),
        source=prepared.source,
        former_sources=state.former_identities(world.store),
        now=world.now(),
        behaviours={
            adapter.name: Behaviour(adapter.normalize, adapter.claims, adapter.copy_of, adapter.rivals)
            for name in sorted({desired.mesh(target).type for target in desired.targets})
            if (adapter := world.adapters.get(name)) is not None
        },
        kinds=kinds,
        selection=Selection(prepared.selected, request.kinds, request.policies),
        stale_clusters=facts.stale,
        paused={target: pause.words() for target, pause in state.pauses(world.store, world.now()).items()},
        fights={target: state.known_fights(world.remembered, target) for target in desired.targets},
        digests=world.kept.digests,
        quiet=world.kept.quiet,
        masking=request.masking,
        rejected=compiled.rejected[0].message if compiled.rejected else "",
    )
