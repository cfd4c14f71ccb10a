"""From a request to a plan: the stages up to the point where a dry-run stops."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from reconciler.model.documents import DesiredState
from reconciler.model.facts import Facts
from reconciler.model.findings import Finding, Severity
from reconciler.model.live import LiveState
from reconciler.model.native import Compiled, NativeKind
from reconciler.model.plans import Plan
from reconciler.model.refs import KindId, TargetId
from reconciler.pipeline import state
from reconciler.pipeline.blame import with_commits
from reconciler.pipeline.compiling import compile_all
from reconciler.pipeline.discover import discover
from reconciler.pipeline.observe import kinds_of, observe
from reconciler.pipeline.prepare import Prepared, prepare
from reconciler.pipeline.world import Connections, Request, World
from reconciler.plan.build import Previous, build_plan
from reconciler.plan.guards import GuardRules
from reconciler.plan.rules import Behaviour, PlanRules, Selection


@dataclass(frozen=True)
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


async def make_plan(world: World, request: Request, opened: Connections) -> Planned:
    """Plan what a request asks. Writes nothing to any cluster. SourceError, StoreError pass through."""
    prepared = await prepare(world, request)
    desired = prepared.desired
    if desired is None:
        return Planned(prepared)
    prepared = _narrowed(prepared, desired, request)
    with_removed = _with_removed_clusters(desired, prepared)
    facts = request.facts or await discover(world, with_removed, opened, prepared.selected, request)
    compilation = await compile_all(world, prepared, desired, facts)
    rules = _rules(world, request, prepared, with_removed, compilation.compiled, facts)
    open_now = {name: why for name, one in with_removed.clusters.items() if (why := world.why_not(one, request))}
    unreachable = {**open_now, **facts.unreachable}
    live = await observe(world, with_removed, compilation.compiled, rules, opened, unreachable)
    plan = build_plan(desired, compilation.compiled, compilation.previous, live, rules)
    plan = await asyncio.to_thread(with_commits, plan, world.source)
    return Planned(prepared, plan, with_removed, facts, compilation.compiled, compilation.previous, live)


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
        source=prepared.source,
        now=world.now(),
        behaviours={name: Behaviour(adapter.normalize, adapter.claims) for name, adapter in world.adapters.items()},
        kinds=kinds,
        selection=Selection(prepared.selected, request.kinds, request.policies),
        stale_clusters=facts.stale,
        paused={target: pause.words() for target, pause in state.pauses(world.store, world.now()).items()},
        fights={target: state.known_fights(world.store, target) for target in desired.targets},
        digests=world.kept.digests,
        quiet=world.kept.quiet,
    )


def has_errors(planned: Planned) -> bool:
    return any(finding.severity is Severity.ERROR for finding in planned.findings)
