"""Pausing without Git: kept in the store, recorded, shown in every report until it ends."""

from __future__ import annotations

from datetime import timedelta

from reconciler.load import load, select
from reconciler.model.commits import Commit
from reconciler.model.findings import Severity
from reconciler.model.refs import TargetId
from reconciler.pipeline import state
from reconciler.pipeline.draft import Draft
from reconciler.pipeline.record import RunContext, run_event
from reconciler.pipeline.world import World
from reconciler.ports import SourceError


def pause(world: World, limit: str, reason: str, length: timedelta | None) -> tuple[TargetId, ...]:
    """Pause the targets of a pattern; those paused. SourceError when the pattern means none."""
    until = world.now() + length if length else None
    targets = _targets(world, limit)
    entry = state.Pause(world.actor.user, reason, until)
    draft = Draft(world.store)
    for target in targets:
        state.set_pause(draft, target, entry)
    details = {"reason": reason, "until": until.isoformat() if until else ""}
    _record(world, draft, "target.paused", targets, details)
    return targets


def resume(world: World, limit: str) -> tuple[TargetId, ...]:
    """End the pauses of a pattern ("": of all); those ended."""
    chosen = None if not limit else set(_targets(world, limit))
    ended = tuple(t for t in sorted(state.pauses(world.store, world.now())) if chosen is None or t in chosen)
    draft = Draft(world.store)
    for target in ended:
        state.end_pause(draft, target)
    _record(world, draft, "target.resumed", ended, {})
    return ended


def _targets(world: World, limit: str) -> tuple[TargetId, ...]:
    tree = world.source.tree(world.source.fetch())
    desired, _ = load(tree, tuple(world.adapters))
    if desired is None:
        raise SourceError(f"{world.source.name}: its targets cannot be read; reconciler validate says why")
    if limit == "all":
        return desired.targets
    selected, findings = select(limit, desired)
    errors = [finding.message for finding in findings if finding.severity is Severity.ERROR]
    if errors or not selected:
        raise SourceError("; ".join(errors) or f"{limit!r} means no target")
    return tuple(sorted(selected))


def _record(world: World, draft: Draft, kind: str, targets: tuple[TargetId, ...], details: dict[str, str]) -> None:
    context = RunContext("", world.actor, Commit(""))
    events = [run_event(context, world.new_id(), world.now(), kind, details, target=t, result="ok") for t in targets]
    world.store.append(events, draft.values)
