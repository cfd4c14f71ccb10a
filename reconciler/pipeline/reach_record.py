"""One event when nothing can be planned on a target any more, and one when it can again; none for rounds between."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.events import AuditEvent
from reconciler.model.plans import TargetPlan
from reconciler.pipeline import state
from reconciler.pipeline.draft import Draft
from reconciler.pipeline.record import RunContext, run_event
from reconciler.pipeline.world import World


def reach_events(world: World, draft: Draft, context: RunContext, target: TargetPlan) -> Iterable[AuditEvent]:
    """Of one that was only late nothing is known yet."""
    was = state.known_unreachable(draft, target.target)
    if target.late or bool(target.error) == bool(was):
        return
    state.set_known_unreachable(draft, target.target, target.error)
    kind, result = ("target.unreachable", "unreachable") if target.error else ("target.reached", "")
    details = {"why": target.error} if target.error else {"was": was}
    yield run_event(context, world.new_id(), world.now(), kind, details, target=target.target, result=result)
