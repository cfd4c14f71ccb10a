"""What a pull request does: its head against where it left the target branch, and, where clusters are read, against
what lives. Nothing is written, and nothing of what rounds keep is touched.

Clusters are reached as the target branch says, never as the pull request does: who proposes a change must not choose
which addresses or credentials are used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.model import clusters
from reconciler.model.documents import DesiredState
from reconciler.model.findings import Finding, Severity, has_errors
from reconciler.model.refs import TargetId
from reconciler.model.reviews import Alert, AlertKind, Review, TargetReview
from reconciler.pipeline import state
from reconciler.pipeline.alerts import Compared, alerts
from reconciler.pipeline.kept import Kept
from reconciler.pipeline.places import Places
from reconciler.pipeline.planning import Basis, Planned, based, rebased, whole_plan
from reconciler.pipeline.preview import Previewed, Sides, both_sides, previewed
from reconciler.pipeline.recap import exit_code, recap, totals
from reconciler.pipeline.telling_apart import review_target
from reconciler.pipeline.world import OpenCluster, Request, World, connections
from reconciler.plan.mask import Masking
from reconciler.ports import Cluster, Rejected, SourceError

NEW_CLUSTER = "it is new in this change, so it has not been read"


@dataclass(frozen=True)
class Ends:
    """``head`` (a full hash, or "worktree") against ``base`` (a full hash)."""

    head: str
    base: str


async def review(
    world: World, request: Request, base: str, head: str, live: bool = False, kept: Kept | None = None
) -> Review:
    """The review of ``head`` for a target branch: ``base`` is that branch, or any commit of it.

    ``request`` says what is selected, and where facts come from unless ``live``; its revision is not looked at.
    SourceError: an unknown revision, a shallow clone (it says how to deepen it), histories with nothing in common.
    StoreError passes through. Trouble of clusters is part of the review. ``kept``: of the reviews before, never of
    rounds.
    """
    world = replace(world, kept=kept or Kept(), connections=None, breakers=None)
    ends = await asyncio.to_thread(_ends, world, base, head)
    sides = await asyncio.to_thread(both_sides, world, ends.head, ends.base)
    request = replace(request, revision=ends.head, masking=Masking(_redacted(sides)))
    merged = ends.base == await asyncio.to_thread(_first_parent, world, ends.head)
    if sides.desired is None or sides.old is None:
        return _unusable(sides, world.now(), live, merged)
    planned = await _live(world, request, sides) if live else None
    if planned is not None:
        request = replace(request, facts=planned.facts)
    whole = planned is None or planned.plan is None
    return _review(world, request, sides, await previewed(world, request, sides, whole=whole), planned, merged)


def _ends(world: World, base: str, head: str) -> Ends:
    """The two commits that are compared."""
    source = world.source
    tip = source.fetch() if head == "worktree" else source.resolve(head)
    found = source.merge_base(tip, base)
    if not found:
        raise SourceError(f"{source.name}: {head[:12]} and {base[:12]} have no commit in common")
    return Ends(head if head == "worktree" else tip, found)


def _first_parent(world: World, head: str) -> str:
    """The first parent of a merge commit, or ""."""
    try:
        world.source.resolve(f"{head}^2")
        return world.source.resolve(f"{head}^1")
    except SourceError:
        return ""


def _redacted(sides: Sides) -> tuple[str, ...]:
    """A change cannot make its own report show what was secret before it."""
    return tuple(sorted({path for one in (sides.desired, sides.old) if one for path in one.settings.redact}))


async def _live(world: World, request: Request, sides: Sides) -> Planned:
    """The plan of the head against what lives. Where no state tells what was applied, the base counts as applied."""
    assert sides.old is not None
    world = replace(world, open_cluster=_as_before(world.open_cluster, sides.old))
    async with connections(world) as opened:
        basis = await based(world, request, opened)
        if isinstance(basis, Planned):
            return basis
        return await whole_plan(_on_base(basis, sides))


def _as_before(open_cluster: OpenCluster, old: DesiredState) -> OpenCluster:
    """Clusters as the base says to reach them; ClusterError for one that it does not know."""

    def opener(cluster: clusters.Cluster) -> Cluster:
        if cluster.name not in old.clusters:
            raise Rejected(NEW_CLUSTER)
        return open_cluster(old.clusters[cluster.name])

    return opener


def _on_base(basis: Basis, sides: Sides) -> Basis:
    assert sides.old is not None
    known, old = basis.prepared, sides.old
    base = state.Applied(old.revision, guards=old.revision)
    applied = {**dict.fromkeys(old.targets, base), **known.applied}
    guarding = known.guarding if state.accepted_revision(basis.world.store) else old.settings
    prepared = replace(known, applied=applied, earlier={**known.earlier, old.revision: old}, guarding=guarding)
    return rebased(basis, prepared)


def _review(
    world: World, request: Request, sides: Sides, offline: Previewed, living: Planned | None, merged: bool
) -> Review:
    assert sides.desired is not None
    assert sides.old is not None
    places = Places(sides.tree, sides.old_tree, sides.desired.documents, sides.old.documents)
    planned = living if living is not None and living.plan is not None else offline.planned
    findings, earlier = _split(planned.findings, (*sides.earlier, *offline.before.findings))
    compared = Compared(sides.desired, sides.old, offline, planned, findings, places, world.adapters)
    targets = _targets(world, offline, living, places)
    return Review(
        head=sides.tree.commit,
        base=sides.old_tree.commit,
        live=living is not None,
        at=world.now(),
        facts=_facts_from(request, living, offline),
        plan=planned.plan,
        code=_code(planned, sides.old),
        targets=targets,
        alerts=alerts(compared, targets),
        findings=findings,
        earlier=earlier,
        verdicts=planned.plan.verdicts if planned.plan else (),
        merged=merged,
        changed=places.changed,
        folder=world.source.folder,
    )


def _targets(world: World, offline: Previewed, living: Planned | None, places: Places) -> tuple[TargetReview, ...]:
    between = {one.target: one for one in offline.planned.plan.targets} if offline.planned.plan else {}
    lives = {one.target: one for one in living.plan.targets} if living and living.plan else {}
    known = {target for target in lives if state.applied_to(world.store, target) is not None}
    return tuple(
        review_target(between.get(target), lives.get(target), places, told=target in known)
        for target in sorted(between.keys() | lives.keys())
    )


def _split(found: Sequence[Finding], before: Sequence[Finding]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """New findings and those that the base has too; a line that moved makes none new."""
    known = {_gist(finding) for finding in before}
    old = tuple(finding for finding in found if _gist(finding) in known)
    return tuple(finding for finding in found if _gist(finding) not in known), old


def _gist(finding: Finding) -> tuple[object, ...]:
    return (finding.code, finding.severity, finding.position.path, finding.target, finding.message.partition(" [")[0])


def _facts_from(request: Request, living: Planned | None, offline: Previewed) -> str:
    if living is not None:
        return "the clusters"
    if request.facts is not None:
        return "recorded facts"
    absent = any(finding.code == "facts-absent" for finding in offline.planned.prepared.findings)
    return "the last discovery, where there was one" if absent else "the last discovery"


def _code(planned: Planned, old: DesiredState) -> int:
    """The exit code; a cluster that only this change adds is not out of reach."""
    if planned.plan is None:
        return 1
    targets = tuple(one for one in planned.plan.targets if not (one.error and _is_new(one.target, old)))
    plan = replace(planned.plan, targets=targets)
    pending = len(targets) < len(planned.plan.targets) or any(change.pending for change in plan.changes)
    return exit_code(totals(recap(plan, ()), errors=has_errors(planned.findings), pending=pending))


def _is_new(target: TargetId, old: DesiredState) -> bool:
    return target.cluster not in old.clusters


def _unusable(sides: Sides, at: datetime, live: bool, merged: bool) -> Review:
    """Nothing of one side can be used: only what is wrong is told."""
    findings, earlier = _split(sides.findings, sides.earlier)
    base, told = sides.old_tree.commit, (*findings, *earlier)
    broken = "this change" if sides.desired is None else f"the target branch ({base.short})"
    alert = Alert(AlertKind.ERROR, f"no plan can be made: nothing of {broken} can be used")
    shown = (alert,) if told or sides.desired is None else (replace(alert, items=_worded(sides.earlier)),)
    return Review(
        sides.tree.commit, base, live, at, "", None, 1, alerts=shown, findings=findings, earlier=earlier, merged=merged
    )


def _worded(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(str(finding) for finding in findings if finding.severity is Severity.ERROR)
