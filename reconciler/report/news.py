"""What of a row of events is news: a failure that is the same as at the last try was told already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.events import AuditEvent
from reconciler.model.notices import Weight
from reconciler.report.notices import weight_of

MOST_KNOWN = 2000
_RUN = "run"


def news(events: Iterable[AuditEvent], known: Mapping[str, str]) -> tuple[tuple[AuditEvent, ...], dict[str, str]]:
    """The events without repeated failures, and the failures that last now: by what fails, its words. ``known``: those
    that lasted before. A success of the same thing ends them."""
    lasting, told = dict(known), []
    for event in events:
        what = _what(event)
        if not what:
            told.append(event)
        elif weight_of(event) is not Weight.ERROR:
            lasting.pop(what, None)
            told.append(event)
        elif lasting.get(what) != (words := f"{event.type} {event.error or event.result}"):
            lasting[what] = words
            told.append(event)
    return tuple(told), dict(list(lasting.items())[-MOST_KNOWN:])


def _what(event: AuditEvent) -> str:
    """What may fail again and again, "" for anything else."""
    if event.type in ("run.failed", "run.finished"):
        return _RUN
    if event.type.startswith("object."):
        return f"{event.target} {event.object}"
    return str(event.target) if event.type == "identity.renewed" else ""
