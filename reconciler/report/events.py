"""Audit events as JSON and back, as CloudEvents 1.0, and as one line of text.

The JSON is what the store chains and keeps; empty fields are left out, so a field added later reads as its default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reconciler.model.commits import Commit
from reconciler.model.events import Actor, AuditEvent, EventOrigin, Intent, StoredEvent
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.report.plan_json import key_json

CLOUDEVENT_TYPE_PREFIX = "dev.reconciler."


def event_to_json(event: AuditEvent) -> dict[str, Any]:
    """The event as plain JSON data; the inverse of ``event_from_json``.

    ``fields`` and ``details`` must be JSON data with lists, not tuples, to come back as they were.
    Raises ValueError for a time without a zone.
    """
    optional = {
        "commit": _commit_to_json(event.commit) if event.commit else None,
        "origins": [_origin_to_json(origin) for origin in event.origins],
        "target": {"cluster": event.target.cluster, "mesh": event.target.mesh} if event.target else None,
        "object": key_json(event.object) if event.object else None,
        "before": event.before,
        "after": event.after,
        "fields": [dict(change) for change in event.fields],
        "previousWriter": event.previous_writer,
        "result": event.result,
        "error": event.error,
        "duration": event.duration,
        "details": dict(event.details),
    }
    return {
        "id": event.id,
        "time": utc_text(event.time),
        "run": event.run,
        "type": event.type,
        "actor": {"instance": event.actor.instance, "user": event.actor.user, "trigger": event.actor.trigger},
        **_present(optional),
    }


def event_from_json(data: Mapping[str, Any]) -> AuditEvent:
    """The event that ``event_to_json`` made this of; keys it does not know (``seq``) are passed over.

    Raises KeyError, TypeError or ValueError when it is not such an event.
    """
    target, key = data.get("target"), data.get("object")
    return AuditEvent(
        id=data["id"],
        time=datetime.fromisoformat(data["time"]),
        run=data["run"],
        type=data["type"],
        actor=Actor(**data["actor"]),
        commit=_commit_from_json(data["commit"]) if "commit" in data else None,
        origins=tuple(EventOrigin(**origin) for origin in data.get("origins", ())),
        target=TargetId(**target) if target else None,
        object=ObjectKey(**key) if key else None,
        before=data.get("before", ""),
        after=data.get("after", ""),
        fields=tuple(data.get("fields", ())),
        previous_writer=data.get("previousWriter", ""),
        result=data.get("result", ""),
        error=data.get("error", ""),
        duration=float(data.get("duration", 0.0)),
        details=data.get("details", {}),
    )


def stored_event(stored: StoredEvent) -> AuditEvent:
    """The event that lies in the log under this number."""
    return event_from_json(json.loads(stored.body))


def intent_to_json(intent: Intent) -> dict[str, Any]:
    """The intent as plain JSON data; the inverse of ``intent_from_json``."""
    return {
        "id": intent.id,
        "event": event_to_json(intent.event),
        "resourceVersion": intent.resource_version,
        "desiredHash": intent.desired_hash,
    }


def intent_from_json(data: Mapping[str, Any]) -> Intent:
    return Intent(data["id"], event_from_json(data["event"]), data["resourceVersion"], data["desiredHash"])


def cloudevent(stored: StoredEvent, source: str) -> dict[str, Any]:
    """The event as a CloudEvents 1.0 JSON object; one a line makes the export.

    ``source`` is a URI reference that names this installation. The chain goes along as extension attributes:
    ``sequence`` (zero-padded, so that it sorts as text), ``chainprevious`` and ``chainhash``, which is the SHA-256
    of the previous hash, a line feed and the canonical JSON of ``data``.
    """
    data = json.loads(stored.body)
    event = event_from_json(data)
    subject = "/".join(str(part) for part in (event.target, event.object) if part is not None)
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": CLOUDEVENT_TYPE_PREFIX + event.type,
        **({"subject": subject} if subject else {}),
        "time": utc_text(event.time),
        "datacontenttype": "application/json",
        "sequence": f"{stored.seq:020d}",
        "chainprevious": stored.previous,
        "chainhash": stored.hash,
        "data": data,
    }


def event_line(event: AuditEvent) -> str:
    """One line for people: when, what, where, from which commit and file, by whom, with what result."""
    parts = [utc_text(event.time)[:19] + "Z", event.type]
    parts += [str(part) for part in (event.target, event.object) if part is not None]
    if event.commit:
        parts.append(f"commit {event.commit.short}" + (f" by {event.commit.author}" if event.commit.author else ""))
    if event.origins:
        first, rest = event.origins[0], len(event.origins) - 1
        place = f"{first.path}:{first.line}" if first.path else f"{first.kind} {first.name}"  # Git may have it no more
        parts.append(f"from {place}" + (f" (+{rest})" if rest else ""))
    parts.append(f"run by {event.actor.user}@{event.actor.instance} ({event.actor.trigger})")
    labelled = (("written by", event.previous_writer), ("result", event.result), ("error:", event.error))
    parts += [f"{label} {value}" for label, value in labelled if value]
    return _printable("  ".join(parts))


def utc_text(time: datetime) -> str:
    """RFC 3339 in UTC with six digits of a second: all of one width, so it sorts as text. ValueError without a zone."""
    if time.tzinfo is None:
        raise ValueError(f"a time without a zone: {time.isoformat()}")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _printable(text: str) -> str:
    """No character of it moves a terminal's cursor or starts a new line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _present(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value}


def _origin_to_json(origin: EventOrigin) -> dict[str, Any]:
    known = {"path": origin.path, "line": origin.line, "kind": origin.kind, "name": origin.name}
    return {**known, "commit": origin.commit} if origin.commit else known


def _commit_to_json(commit: Commit) -> dict[str, Any]:
    optional = {
        "author": commit.author,
        "authorTime": commit.author_time.isoformat() if commit.author_time else "",
        "committer": commit.committer,
        "commitTime": commit.commit_time.isoformat() if commit.commit_time else "",
        "message": commit.message,
        "signature": commit.signature,
        "trailers": {key: list(values) for key, values in commit.trailers.items()},
    }
    return {"sha": commit.sha, **_present(optional)}


def _commit_from_json(data: Mapping[str, Any]) -> Commit:
    author_time, commit_time = data.get("authorTime"), data.get("commitTime")
    return Commit(
        sha=data["sha"],
        author=data.get("author", ""),
        author_time=datetime.fromisoformat(author_time) if author_time else None,
        committer=data.get("committer", ""),
        commit_time=datetime.fromisoformat(commit_time) if commit_time else None,
        message=data.get("message", ""),
        signature=data.get("signature", ""),
        trailers={key: tuple(values) for key, values in data.get("trailers", {}).items()},
    )
