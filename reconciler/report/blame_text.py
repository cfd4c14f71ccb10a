"""Which commit, author and policy line each live object comes from: as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.events import AuditEvent
from reconciler.report.paint import Paint


def blame_text(events: Sequence[AuditEvent], paint: Paint) -> str:
    """``events``: the last write of each object."""
    return "\n".join(line for event in events for line in _lines(event, paint))


def _lines(event: AuditEvent, paint: Paint) -> Iterator[str]:
    gone = "   (pruned)" if event.type == "object.pruned" else ""
    yield paint(f"{event.target}  {event.object}", "heading") + paint(gone, "prune")
    commit = event.commit
    if commit is not None:
        yield f"    {commit.short} {commit.author} {commit.subject!r}"
    for origin in event.origins:
        place = f"{origin.path}:{origin.line}  " if origin.path else ""
        line_commit = f"  (commit {origin.commit[:8]})" if origin.commit else ""
        yield f"    {place}{origin.kind} {origin.name}{line_commit}"
    when = event.time.strftime("%Y-%m-%dT%H:%M:%SZ")
    yield paint(f"    {event.type} {when} by {event.actor.user} ({event.actor.trigger}), event {event.id}", "dim")
