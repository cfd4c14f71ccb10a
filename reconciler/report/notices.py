"""Audit events as messages to people: which route takes which event, how much it matters, and one text for many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from reconciler.model.events import AuditEvent
from reconciler.model.notices import TOPICS, Notice, Notify, Weight
from reconciler.model.refs import TargetId

MOST_LINES = 20
LONGEST_LINE = 400
_BAD = frozenset({"failed", "blocked", "error", "unreachable", "skipped"})
_WARNINGS = ("drift.detected", "guard.withheld", "health.degraded", "verdict.changed", "cluster.removed")
_WORDS = {
    "object.created": "created", "object.updated": "updated", "object.adopted": "adopted",
    "object.replaced": "replaced", "object.pruned": "pruned", "drift.detected": "drifted",
    "drift.ended": "drift ended", "health.degraded": "degraded", "health.recovered": "recovered",
    "verdict.changed": "verdicts changed", "guard.withheld": "withheld", "run.failed": "round failed",
    "source.halted": "halted", "target.unreachable": "unreachable", "target.reached": "reached again",
}  # fmt: skip


def weight_of(event: AuditEvent) -> Weight:
    """How much an event matters: what failed or stopped most, then what differs from Git without having been asked."""
    if event.result in _BAD or event.error or event.type in ("run.failed", "source.halted"):
        return Weight.ERROR
    return Weight.WARNING if event.type in _WARNINGS else Weight.INFO


def takes(route: Notify, event: AuditEvent, targets: Collection[TargetId] | None) -> bool:
    """Whether a route wants an event; ``targets`` are those of its pattern, None for all."""
    if weight_of(event) < route.weight or event.type in ("run.started", "run.finished"):
        return False
    if targets is not None and event.target is not None and event.target not in targets:
        return False
    return any(_is_about(topic, event) for topic in route.on)


def _is_about(topic: str, event: AuditEvent) -> bool:
    failed = weight_of(event) is Weight.ERROR
    if event.type.startswith("object.") and (topic == "failures") != failed and topic in ("changes", "failures"):
        return False
    return any(fnmatchcase(event.type, pattern) for pattern in TOPICS.get(topic, (topic,)))


def notice(events: Sequence[AuditEvent], source: str, skipped: int = 0) -> Notice:
    """One message about events that a route takes (at least one), oldest first; ``skipped``: how many came before
    them and are too many to be told."""
    counted = Counter(_word(event) for event in events)
    where = sorted({event.target.cluster for event in events if event.target})
    places = f" in {', '.join(where[:3])}" + (f" and {len(where) - 3} more" if len(where) > 3 else "") if where else ""
    title = ", ".join(f"{count} {word}" for word, count in counted.items()) + places
    lines = [_line(event) for event in events[:MOST_LINES]]
    if (more := len(events) - MOST_LINES + skipped) > 0:
        lines.append(f"and {more} more")
    newest = events[-1]
    if newest.commit and newest.commit.sha:
        lines.append(f"at commit {newest.commit.short}: {_text(newest.commit.subject)}")
    lines += [f"of {_text(source)}", f"all of it: reconciler audit log --run {newest.run}" if newest.run else ""]
    return Notice(f"Mesh: {title}", "\n".join(line for line in lines if line), max(map(weight_of, events)))


def _word(event: AuditEvent) -> str:
    failed = event.type.startswith("object.") and weight_of(event) is Weight.ERROR
    return "failed" if failed else _WORDS.get(event.type, event.type.replace(".", " "))


def _line(event: AuditEvent) -> str:
    about = event.details
    thing = event.object or about.get("object")
    parts = [_word(event), *(str(part) for part in (event.target, thing) if part)]
    if event.origins:
        first = event.origins[0]
        parts.append(f"from {first.path}:{first.line}" if first.path else f"from {first.kind} {first.name}")
    if event.previous_writer:
        parts.append(f"written by {event.previous_writer}")
    return "- " + _text("  ".join([*parts, *_why(event)]))


def _why(event: AuditEvent) -> list[str]:
    """What an event says of its reason, in brackets; and what lifts it."""
    about = event.details
    words = [event.error, *(str(about[name]) for name in ("why", "message", "by", "reason") if about.get(name))]
    words += [str(one) for one in about.get("guards", ())]
    words += [f"{one['of']}: {one['was']}, now {one['is']}" for one in about.get("changed", ())]
    said = [f"({'; '.join(word for word in words if word)})"] if any(words) else []
    return [*said, f"confirm with Reconciler-Confirm: {about['confirm']}"] if about.get("confirm") else said


def _text(text: str) -> str:
    """On one line, not too long, and in it nothing by which chat programs call people or make links of their own."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    cut = line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
    return cut.replace("@", "@\u200b").replace("<", "<\u200b")
