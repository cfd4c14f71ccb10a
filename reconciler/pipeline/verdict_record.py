"""One event for each target on which a mesh has come to carry more or less of the same commit: version drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.events import AuditEvent
from reconciler.model.native import Verdict
from reconciler.model.refs import TargetId
from reconciler.pipeline import state
from reconciler.pipeline.draft import Draft
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.record import RunContext, run_event
from reconciler.pipeline.world import World

_APPLIED = "Applied"


def lacking(verdicts: Iterable[Verdict]) -> dict[TargetId, dict[str, str]]:
    """Per target, what is not carried out whole: "policy capability" to what becomes of it and why."""
    found: dict[TargetId, dict[str, str]] = {}
    for one in verdicts:
        if one.action != _APPLIED:
            words = f"{one.action}: {one.note}" if one.note else one.action
            found.setdefault(one.target, {})[f"{one.policy} {one.capability}"] = words
    return found


def verdict_events(world: World, draft: Draft, context: RunContext, planned: Planned) -> Iterable[AuditEvent]:
    """A new commit may well be answered in another way; of the same one that is for the record."""
    if planned.plan is None:
        return
    verdicts, revision = planned.compiled.verdicts, planned.plan.revision
    targets = [one.target for one in planned.plan.targets if not one.error]
    new = [target for target in targets if world.answered.get(target) is not verdicts]
    now = lacking(verdicts) if new else {}
    for target in new:
        present = now.get(target, {})
        before = state.known_verdicts(draft, target)
        if before == (revision, present):
            world.answered[target] = verdicts  # it is kept by now: nothing to do while they stay the same
            continue
        if before is not None and before[0] == revision:
            details = {"changed": _differences(before[1], present), "version": _running(target, planned)}
            yield run_event(context, world.new_id(), world.now(), "verdict.changed", details, target=target)
        state.set_known_verdicts(draft, target, revision, present)


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[Mapping[str, str]]:
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return [{"of": name, "was": before.get(name, _APPLIED), "is": after.get(name, _APPLIED)} for name in names]


def _running(target: TargetId, planned: Planned) -> str:
    if planned.desired is None or target not in planned.desired.views:
        return ""
    mesh = planned.desired.mesh(target)
    found = planned.facts.mesh(target, mesh.type, mesh.namespace, mesh.revision)
    return found.version if found else ""
