"""One event when an object becomes degraded, and one when that has ended; none for each round in between."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.events import AuditEvent
from reconciler.model.health import HealthState
from reconciler.model.plans import TargetPlan
from reconciler.pipeline import state
from reconciler.pipeline.draft import Draft
from reconciler.pipeline.record import RunContext, run_event
from reconciler.pipeline.world import World

_DEGRADED = str(HealthState.DEGRADED)


def health_events(world: World, draft: Draft, context: RunContext, target: TargetPlan) -> Iterable[AuditEvent]:
    """``target`` with the health that was seen last. An object that is looked at anew by its mesh stays degraded until
    that has come to another end."""
    known = state.known_degraded(draft, target.target)
    now = {str(one.key): one for one in target.health}
    degraded = {name: one.health.message for name, one in now.items() if one.health.state is HealthState.DEGRADED}
    waiting = {name: words for name, words in known.items() if name in now and name not in degraded}
    for name, words in degraded.items():
        if name not in known:
            details = {"object": name, "message": words, "policy": str(now[name].position)}
            yield run_event(
                context, world.new_id(), world.now(), "health.degraded", details,
                target=target.target, object=now[name].key, result=_DEGRADED,
            )  # fmt: skip
    for name in sorted(set(known) - set(degraded) - set(waiting)):
        details = {"object": name, "was": known[name]}
        yield run_event(context, world.new_id(), world.now(), "health.recovered", details, target=target.target)
    present = {**waiting, **degraded}
    if known != present:
        state.set_known_degraded(draft, target.target, present)
