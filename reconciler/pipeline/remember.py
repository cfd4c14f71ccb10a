"""What a run leaves behind besides the objects: events about drift, guards and the run, and the state of targets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.model import canonical
from reconciler.model.events import AuditEvent
from reconciler.model.native import NativeKind
from reconciler.model.plans import Cause, Change, Outcome, Plan, TargetPlan
from reconciler.model.refs import KindId, ObjectKey, TargetId
from reconciler.model.settings import Mode
from reconciler.pipeline import state
from reconciler.pipeline.draft import Draft, read_at_once
from reconciler.pipeline.health_record import health_events
from reconciler.pipeline.observe import kinds_of
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.planning import Planned, removed_clusters
from reconciler.pipeline.reach_record import reach_events
from reconciler.pipeline.record import RunContext, drift_event, run_event
from reconciler.pipeline.recorded import record_clusters
from reconciler.pipeline.status import row_of, status_of, word_of
from reconciler.pipeline.verdict_record import verdict_events
from reconciler.pipeline.world import World
from reconciler.plan import fights

WRITTEN = (Outcome.CHANGED, Outcome.PRUNED)


def before(world: World, context: RunContext, planned: Planned, elsewhere: frozenset[TargetId]) -> None:
    """Record, before the first write, what was found: drift, guards, removed clusters, a halted source.

    What is found on a target that is ``elsewhere`` is for the run that writes to it to record.
    """
    draft = read_at_once(world.store, state.EACH)
    events = [*_halted(world, draft, context, planned), *_removed(world, draft, context, planned)]
    if planned.plan is not None:
        for target in (each for each in planned.plan.targets if each.target not in elsewhere):
            events.extend(_drift(world, draft, context, target))
            events.extend(_guards(world, draft, context, target))
            state.remember_kinds(draft, target.target.cluster, [c.kind for c in target.changes if c.writes])
    if events or draft.values:
        world.store.append(events, draft.values)


def after(world: World, context: RunContext, run: Run) -> None:
    """Record how the run ended, and what is now true of each target."""
    planned = run.planned
    events: list[AuditEvent] = []
    draft = read_at_once(world.store, state.EACH)
    if planned.plan is not None and planned.desired is not None:
        world.kept.only(planned.desired.clusters)
        record_clusters(world.store, planned.facts, world.kept.recorded)
        for target in (each for each in planned.plan.targets if each.target not in run.elsewhere):
            events.extend(reach_events(world, draft, context, target))
            if not target.error:
                events.extend(_settled(world, draft, context, target, run))
                events.extend(health_events(world, draft, context, target))
        if not run.elsewhere:
            events.extend(verdict_events(world, draft, context, planned))
        _remember_proven(world, planned.plan, run)
        if not planned.prepared.halted and not run.elsewhere and not run.beside and _anything_applies(planned.plan):
            state.accept_revision(draft, planned.plan.revision)
            state.set_belongs_to(draft, planned.prepared.source, world.source.name)
    state.record_status(draft, status_of(run, context, (world.source.name, world.now()), state.last_status(draft)))
    world.store.append([*events, _finished(world, context, run)], draft.values)


def all_kinds(world: World, planned: Planned) -> dict[KindId, NativeKind]:
    """Every kind that any cluster of the desired state may hold."""
    kinds: dict[KindId, NativeKind] = {}
    for cluster in planned.desired.clusters if planned.desired else ():
        kinds |= kinds_of(world, planned.desired, planned.compiled, cluster) if planned.desired else {}
    return kinds


def _drift_of(changes: Iterable[Change]) -> dict[str, str]:
    """Object (as text) to what identifies its drift: the fields and the live values, not the time."""
    return {
        str(change.key): canonical.digest([[f.path, f.op, f.before] for f in change.fields if f.drift])[:16]
        for change in changes
        if change.drifted
    }


def _drift(world: World, draft: Draft, context: RunContext, target: TargetPlan) -> Iterable[AuditEvent]:
    if target.error:
        return
    known = state.known_drift(draft, target.target)
    present = _drift_of(target.changes)
    for change in target.changes:
        if change.drifted and known.get(str(change.key)) != present[str(change.key)]:
            yield drift_event(context, change, world.new_id(), world.now())
    gone = sorted(set(known) - set(present))
    for name in gone:
        details = {"object": name, "by": "no longer differs"}
        yield run_event(context, world.new_id(), world.now(), "drift.ended", details, target=target.target)
    if known != present:
        state.set_known_drift(draft, target.target, present)


def _settled(world: World, draft: Draft, context: RunContext, target: TargetPlan, run: Run) -> Iterable[AuditEvent]:
    """State of one target after its writes; an end of drift for each object that was healed."""
    mine = {r.change.key: r for r in run.results if r.change.target == target.target}
    written = {key for key, result in mine.items() if result.outcome in WRITTEN}
    healed = [change for change in target.changes if change.drifted and change.key in written]
    for change in healed:
        details = {"object": str(change.key), "by": "healed"}
        yield run_event(
            context, world.new_id(), world.now(), "drift.ended", details, target=target.target, object=change.key
        )
    if healed:
        rest = [change for change in target.changes if change not in healed]
        state.set_known_drift(draft, target.target, _drift_of(rest))
    _remember_fights(world, draft, target, healed)
    if target.mode is Mode.APPLY and not target.suspended:
        # drift alone was applied once: what the revision asks of it is known, though it does not hold now
        missing = [c.key for c in target.changes if c.pending and c.key not in written and c.causes != (Cause.DRIFT,)]
        _remember_applied(draft, run.planned, target, missing)


def _remember_fights(world: World, draft: Draft, target: TargetPlan, healed: list[Change]) -> None:
    known = fights.without_ended(state.known_fights(draft, target.target), target.changes)
    state.set_known_fights(draft, target.target, fights.advance(known, healed, world.now()))


def _remember_applied(draft: Draft, planned: Planned, target: TargetPlan, missing: list[ObjectKey]) -> None:
    revision = planned.plan.revision if planned.plan else ""
    if planned.desired is not None and target.target not in planned.desired.views:
        # gone from Git: known by the revision that last had it, until nothing of it lives any more
        if not missing:
            state.forget_target(draft, target.target)
        return
    before = state.applied_to(draft, target.target)
    guards = revision if not target.guard_fingerprint else before.guards if before else ""
    current = state.Applied(revision, frozenset(missing), guards)
    if before != current:
        state.set_applied(draft, target.target, current)
    state.remember_kinds(draft, target.target.cluster, {change.kind.kind: change.kind for change in
                                                              target.changes}.values())  # fmt: skip


def _remember_proven(world: World, plan: Plan, run: Run) -> None:
    """Per cluster, which object was proven equal to what at which version; a write that went well proves it."""
    others = {target.cluster for target in run.elsewhere}
    proven: dict[str, dict[ObjectKey, tuple[str, str]]] = {}
    for target in plan.targets:
        if not target.error and target.target.cluster not in others:
            proven.setdefault(target.target.cluster, {}).update(target.proven)
    for result in run.results:
        rows = proven.get(result.change.target.cluster, {})
        if result.outcome is Outcome.CHANGED and result.resource_version:
            rows[result.change.key] = (result.change.desired_hash, result.resource_version)
        elif result.outcome is Outcome.PRUNED:
            rows.pop(result.change.key, None)
    written = {result.change.target.cluster for result in run.results}
    for cluster, rows in proven.items():
        found = run.planned.live.clusters.get(cluster)
        if cluster in written or found is None or rows != found.proven:
            world.store.replace_proven(cluster, rows)


def _anything_applies(plan: Plan) -> bool:
    return any(target.mode is Mode.APPLY and not target.error for target in plan.targets)


def _guards(world: World, draft: Draft, context: RunContext, target: TargetPlan) -> Iterable[AuditEvent]:
    """One event when guards begin to withhold something, not one a run."""
    key = f"guard/{target.target}"
    if (draft.get(key) or "") == target.guard_fingerprint:
        return
    draft.put(key, target.guard_fingerprint)
    if target.guard_fingerprint:
        details = {"guards": list(target.guards), "confirm": target.guard_fingerprint}
        yield run_event(context, world.new_id(), world.now(), "guard.withheld", details, target=target.target)


def _halted(world: World, draft: Draft, context: RunContext, planned: Planned) -> Iterable[AuditEvent]:
    words = [f.message for f in planned.prepared.findings if f.code == "history-rewritten"]
    said = draft.get("halted") or ""
    if (words[0] if words else "") == said:
        return
    draft.put("halted", words[0] if words else "")
    if words:
        yield run_event(context, world.new_id(), world.now(), "source.halted", {"why": words[0]})


def _removed(world: World, draft: Draft, context: RunContext, planned: Planned) -> Iterable[AuditEvent]:
    """Targets whose cluster Git no longer has, when their objects are left where they are."""
    asked = planned.desired.clusters if planned.desired else {}
    for target in removed_clusters(planned.prepared):
        if target.cluster not in asked:
            state.forget_target(draft, target)
            details = {"objects": "left as they are (onRemoved: Orphan)"}
            yield run_event(context, world.new_id(), world.now(), "cluster.removed", details, target=target)


def _finished(world: World, context: RunContext, run: Run) -> AuditEvent:
    details: dict[str, Any] = {"exitCode": run.code, "recap": [row_of(row) for row in run.rows]}
    if run.planned.plan is not None:
        details["fingerprint"] = run.planned.plan.fingerprint
    if run.recovered:
        details["recovered"] = run.recovered
    return run_event(context, world.new_id(), world.now(), "run.finished", details, result=word_of(run.code))
