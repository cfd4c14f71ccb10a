"""Plans and results as audit events: who did what to which object, for which commit, policy file and line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.model.commits import Commit
from reconciler.model.events import Actor, AuditEvent, EventOrigin
from reconciler.model.intents import Origin
from reconciler.model.plans import Action, ApplyResult, Change, FieldChange, Outcome

TYPES = {
    Action.CREATE: "object.created",
    Action.UPDATE: "object.updated",
    Action.REPLACE: "object.replaced",
    Action.PRUNE: "object.pruned",
}


@dataclass(frozen=True, slots=True)
class RunContext:
    """What every event of one run has in common."""

    run: str
    actor: Actor
    commit: Commit


def object_event(context: RunContext, change: Change, event_id: str, now: datetime) -> AuditEvent:
    """The event of one write as it will read when it succeeds."""
    return AuditEvent(
        id=event_id,
        time=now,
        run=context.run,
        type="object.adopted" if change.adopt else TYPES[change.action],
        actor=context.actor,
        commit=context.commit,
        origins=tuple(event_origin(origin) for origin in change.origins),
        target=change.target,
        object=change.key,
        before=change.before_hash,
        after=change.after_hash,
        fields=tuple(field_row(field) for field in change.fields),
        previous_writer=_writers(change),
        result=str(Outcome.PRUNED if change.action is Action.PRUNE else Outcome.CHANGED),
        details={"causes": [str(cause) for cause in change.causes]} | ({"lent": True} if change.lent else {}),
    )


def outcome_event(planned: AuditEvent, result: ApplyResult, now: datetime) -> AuditEvent:
    """The same event as it turned out."""
    failed = result.outcome is Outcome.FAILED
    return replace(
        planned,
        time=now,
        result=str(result.outcome),
        error=result.message if failed else "",
        duration=round(result.duration, 6),
        after=planned.before if failed else planned.after,
    )


def drift_event(context: RunContext, change: Change, event_id: str, now: datetime) -> AuditEvent:
    event = replace(object_event(context, change, event_id, now), type="drift.detected", result="drifted")
    return replace(event, fields=tuple(field_row(field) for field in change.fields if field.drift))


def event_origin(origin: Origin) -> EventOrigin:
    ref, place = origin.ref, origin.position
    return EventOrigin(place.path, place.line, ref.kind, f"{ref.namespace}/{ref.name}", origin.commit)


def field_row(field: FieldChange) -> Mapping[str, Any]:
    row: dict[str, Any] = {"path": field.path, "op": field.op}
    if field.op != "add":
        row["before"] = field.before
    if field.op != "remove":
        row["after"] = field.after
    if field.drift:
        row["drift"] = True
    return row


def _writers(change: Change) -> str:
    """Who made the object drift, each with the time, in order."""
    authors = {field.author for field in change.fields if field.author is not None}
    return ", ".join(sorted(f"{author.manager} at {author.time}" for author in authors))


def run_event(
    context: RunContext, event_id: str, now: datetime, kind: str, details: Mapping[str, Any], **more: Any
) -> AuditEvent:
    """An event about the run as a whole, or about a target of it."""
    return AuditEvent(
        id=event_id, time=now, run=context.run, type=kind, actor=context.actor, commit=context.commit,
        details=details, **more,
    )  # fmt: skip
