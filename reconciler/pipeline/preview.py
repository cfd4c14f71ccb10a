"""A plan of one revision against another, without any cluster: the older one's objects are the live side.

The same ``build_plan`` as ever, so a preview in a pull request and the plan of the daemon cannot disagree.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from reconciler.load import load, select
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts
from reconciler.model.findings import Finding, has_errors, info
from reconciler.model.live import LiveCluster, LiveObject, LiveState
from reconciler.model.native import Compiled, NativeObject
from reconciler.model.refs import TargetId
from reconciler.model.settings import Mode, Settings
from reconciler.pipeline.blame import with_commits
from reconciler.pipeline.compiling import compile_with_ages
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.prepare import Prepared
from reconciler.pipeline.recap import exit_code, recap, totals
from reconciler.pipeline.recorded import recorded_cluster
from reconciler.pipeline.world import Request, World
from reconciler.plan.build import build_plan, setting_for
from reconciler.plan.guards import GuardRules
from reconciler.plan.rules import Behaviour, PlanRules, Selection
from reconciler.plan.stamp import stamp


async def preview(world: World, request: Request, base: str) -> Run:
    """The plan that applying ``request.revision`` onto a world exactly as ``base`` asks would have.

    Facts are those of the request, else those remembered from the last discovery. SourceError for unknown revisions.
    """
    tree = await asyncio.to_thread(world.source.tree, request.revision or await asyncio.to_thread(world.source.fetch))
    old_tree = await asyncio.to_thread(world.source.tree, base)
    desired, findings = load(tree, tuple(world.adapters))
    old, _ = load(old_tree, tuple(world.adapters))
    if desired is None or old is None:
        prepared = Prepared(tree.commit, tree.identity, None, Settings(), findings)
        return Run(world.new_id(), Planned(prepared), code=1)
    selected = None
    if request.limit:
        selected, found = select(request.limit, desired)
        findings += found
    facts, found = _facts(world, request, desired, old)
    prepared = Prepared(
        tree.commit, tree.identity, desired, old.settings, findings + found, selected, request.confirmed
    )
    return await _planned(world, request, prepared, desired, old, facts)


async def _planned(
    world: World, request: Request, prepared: Prepared, desired: DesiredState, old: DesiredState, facts: Facts
) -> Run:
    now = world.now()
    compiled = await compile_with_ages(world, desired, facts, now)
    before = await compile_with_ages(world, old, facts, now)
    applying = replace(desired, settings=replace(desired.settings, mode=Mode.APPLY, overrides=()))
    rules = _rules(world, request, prepared, applying, (compiled, before))
    live = _as_live(before, old, rules)
    plan = build_plan(applying, compiled, before.objects, live, rules)
    plan = await asyncio.to_thread(with_commits, plan, world.source)
    rows = recap(plan, ())
    planned = Planned(prepared, plan, applying, facts, compiled, before.objects, live)
    pending = any(change.pending for change in plan.changes)
    code = exit_code(totals(rows, errors=has_errors(planned.findings), pending=pending))
    return Run(world.new_id(), planned, rows=rows, code=code)


def _facts(
    world: World, request: Request, desired: DesiredState, old: DesiredState
) -> tuple[Facts, tuple[Finding, ...]]:
    """Facts for every cluster of either revision; empty ones, with a finding, where nothing is remembered."""
    known = dict(request.facts.clusters) if request.facts else {}
    findings = []
    for name in sorted({target.cluster for target in (*desired.targets, *old.targets)} - set(known)):
        remembered = recorded_cluster(world.store, name)
        if remembered is None:
            message = f"nothing is known about what lives in {name}: selectors and ports there cannot be resolved"
            findings.append(info("facts-absent", message, hint="record them with plan --record-facts, use --facts"))
        known[name] = remembered or ClusterFacts(name)
    return Facts(known), tuple(findings)


def _rules(
    world: World, request: Request, prepared: Prepared, desired: DesiredState, compiled: Sequence[Compiled]
) -> PlanRules:
    natives = [native for one in compiled for objects in one.objects.values() for native in objects]
    return PlanRules(
        settings=desired.settings,
        guards=GuardRules(prepared.guarding.limits, prepared.guarding.protect, prepared.confirmed),
        source=prepared.source,
        now=world.now(),
        behaviours={name: Behaviour(adapter.normalize, adapter.claims) for name, adapter in world.adapters.items()},
        kinds={native.key.kind_id: native.kind for native in natives},
        selection=Selection(prepared.selected, request.kinds, request.policies),
        rejected=compiled[0].rejected[0].message if compiled[0].rejected else "",
    )


def _as_live(before: Compiled, old: DesiredState, rules: PlanRules) -> LiveState:
    """Clusters in which exactly what a revision asks lives, written by us."""
    clusters: dict[str, LiveCluster] = {}
    for target, natives in before.objects.items():
        known = clusters.get(target.cluster, LiveCluster(target.cluster))
        found = {native.key: _live_object(native, target, old, rules) for native in natives}
        clusters[target.cluster] = replace(known, objects={**known.objects, **found})
    for name in old.clusters:
        clusters.setdefault(name, LiveCluster(name))
    return LiveState(clusters)


def _live_object(native: NativeObject, target: TargetId, old: DesiredState, rules: PlanRules) -> LiveObject:
    body = stamp(native, setting_for(target, old, rules).mark)
    metadata = body["metadata"]
    return LiveObject(native.key, "", json.dumps(body).encode(), "", metadata["labels"], metadata["annotations"])
