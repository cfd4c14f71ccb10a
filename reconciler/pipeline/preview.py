"""A plan of one revision against another, without any cluster: the older one's objects are the live side.

The same ``build_plan`` as ever, so a preview in a pull request and the plan of the daemon cannot disagree.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.load import select
from reconciler.model.commits import SourceTree
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
from reconciler.pipeline.prepare import Prepared, confirmations, loaded_revision
from reconciler.pipeline.recap import exit_code, recap, totals
from reconciler.pipeline.recorded import recorded_cluster
from reconciler.pipeline.world import Request, World
from reconciler.plan.build import build_plan, setting_for
from reconciler.plan.guards import GuardRules
from reconciler.plan.rules import Behaviour, PlanRules, Selection
from reconciler.plan.stamp import stamp


@dataclass(frozen=True)
class Sides:
    """Two revisions as they are written. ``desired`` or ``old`` is None where nothing of it is usable; a revision
    without any file is an empty state. ``findings`` and ``earlier``: what is wrong with what is written in each."""

    tree: SourceTree
    old_tree: SourceTree
    desired: DesiredState | None
    old: DesiredState | None
    findings: tuple[Finding, ...]
    earlier: tuple[Finding, ...]


@dataclass(frozen=True)
class Previewed:
    """The plan from one revision to another, and what the older one compiles to."""

    planned: Planned
    before: Compiled


async def preview(world: World, request: Request, base: str) -> Run:
    """The plan that applying ``request.revision`` onto a world exactly as ``base`` asks would have.

    Facts are those of the request, else those remembered from the last discovery. SourceError for unknown revisions.
    """
    head = request.revision or await asyncio.to_thread(world.source.fetch)
    sides = await asyncio.to_thread(both_sides, world, head, base)
    if sides.desired is None or sides.old is None:
        prepared = Prepared(sides.tree.commit, sides.tree.identity, None, Settings(), sides.findings)
        return Run(world.new_id(), Planned(prepared), code=1)
    planned = (await previewed(world, request, sides)).planned
    assert planned.plan is not None
    rows = recap(planned.plan, ())
    pending = any(change.pending for change in planned.plan.changes)
    code = exit_code(totals(rows, errors=has_errors(planned.findings), pending=pending))
    return Run(world.new_id(), planned, rows=rows, code=code)


def both_sides(world: World, head: str, base: str) -> Sides:
    """Both revisions, read. SourceError for unknown ones."""
    new, before = loaded_revision(world, head), loaded_revision(world, base)
    tree, desired, findings = new.tree, new.desired, new.findings
    old_tree, old, earlier = before.tree, before.desired, before.findings
    if old is None and not old_tree.files and not old_tree.refused:
        old, earlier = DesiredState(old_tree.commit.sha, desired.settings if desired else Settings(), {}, {}, {}), ()
    return Sides(tree, old_tree, desired, old, findings, earlier)


async def previewed(world: World, request: Request, sides: Sides, *, whole: bool = True) -> Previewed:
    """The plan from ``sides.old`` to ``sides.desired``, both of which must be there. Without ``whole`` only of objects
    that differ, so that guards, which count the others too, mean nothing."""
    desired, old = sides.desired, sides.old
    assert desired is not None
    assert old is not None
    selected, findings = None, sides.findings
    if request.limit:
        selected, found = select(request.limit, desired)
        findings += found
    facts, found = _facts(world, request, desired, old)
    confirmed = request.confirmed | confirmations(sides.tree)
    commit, identity = sides.tree.commit, sides.tree.identity
    prepared = Prepared(commit, identity, desired, old.settings, findings + found, selected, confirmed)
    # the older one first: the other is then made from it, where they are alike
    before = await compile_with_ages(world, old, facts, world.now())
    compiled = await compile_with_ages(world, desired, facts, world.now())
    made = (compiled, before) if whole else _differing(compiled, before)
    planned = await _planned(world, request, prepared, old, made)
    return Previewed(replace(planned, facts=facts, compiled=compiled, previous=before.objects), before)


def _differing(new: Compiled, old: Compiled) -> tuple[Compiled, Compiled]:
    """Both without the objects that are the very same in the two."""
    same = {
        target: {id(native) for native in natives} & {id(native) for native in old.objects.get(target, ())}
        for target, natives in new.objects.items()
    }

    def rest(made: Compiled) -> Compiled:
        objects = {
            target: tuple(native for native in natives if id(native) not in same.get(target, ()))
            for target, natives in made.objects.items()
        }
        return replace(made, objects=objects)

    return rest(new), rest(old)


async def _planned(
    world: World, request: Request, prepared: Prepared, old: DesiredState, made: tuple[Compiled, Compiled]
) -> Planned:
    desired, (compiled, before) = prepared.desired, made
    assert desired is not None
    applying = replace(desired, settings=replace(desired.settings, mode=Mode.APPLY, overrides=()))
    rules = _rules(world, request, prepared, applying, (compiled, before))
    live = _as_live(before, old, desired, rules)
    plan = build_plan(applying, compiled, before.objects, live, rules)
    plan = await asyncio.to_thread(with_commits, plan, world.source)
    return Planned(prepared, plan, applying, live=live)


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
        behaviours={
            name: Behaviour(adapter.normalize, adapter.claims, adapter.copy_of, adapter.rivals)
            for name, adapter in world.adapters.items()
        },
        kinds={native.key.kind_id: native.kind for native in natives},
        selection=Selection(prepared.selected, request.kinds, request.policies),
        masking=request.masking,
        rejected=compiled[0].rejected[0].message if compiled[0].rejected else "",
    )


def _as_live(before: Compiled, old: DesiredState, desired: DesiredState, rules: PlanRules) -> LiveState:
    """Clusters in which exactly what a revision asks lives, written by us. Those that leave Git without
    ``onRemoved: Prune`` are not looked at any more, so nothing is planned there."""
    looked_at = {name for name, one in old.clusters.items() if name in desired.clusters or one.prune_when_removed}
    clusters: dict[str, LiveCluster] = {}
    for target, natives in before.objects.items():
        if target.cluster not in looked_at:
            continue
        known = clusters.get(target.cluster, LiveCluster(target.cluster))
        found = {native.key: _live_object(native, target, old, rules) for native in natives}
        clusters[target.cluster] = replace(known, objects={**known.objects, **found})
    for name in (*sorted(looked_at), *desired.clusters):
        clusters.setdefault(name, LiveCluster(name))
    return LiveState(clusters)


def _live_object(native: NativeObject, target: TargetId, old: DesiredState, rules: PlanRules) -> LiveObject:
    body = stamp(native, setting_for(target, old, rules).mark)
    metadata = body["metadata"]
    return LiveObject(native.key, "", json.dumps(body).encode(), "", metadata["labels"], metadata["annotations"])
