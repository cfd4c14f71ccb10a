"""The hash chain of the audit log: how events are linked, and how a break is found and named. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model import canonical
from reconciler.model.events import AuditEvent, StoredEvent
from reconciler.model.refs import ObjectKey
from reconciler.ports import Tampered
from reconciler.report.events import event_to_json


@dataclass(frozen=True, slots=True)
class Head:
    """How many events there are, and the hash of the last."""

    count: int
    hash: str


START = Head(0, "0" * 64)


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the log. ``columns`` repeat parts of the body, for finding it."""

    stored: StoredEvent
    columns: Mapping[str, str]


def refuse_strayed(done: Mapping[str, AuditEvent | None]) -> None:
    """ValueError where an intent would be closed by an event with another id than its own."""
    strayed = sorted(name for name, event in done.items() if event and event.id != name)
    if strayed:
        raise ValueError(f"an intent is closed by the event with its own id: {', '.join(strayed)}")


def link(head: Head, events: Iterable[AuditEvent]) -> list[Record]:
    """The rows that continue the chain after ``head``, in order."""
    records = []
    for event in events:
        seq = head.count + 1
        data = {**event_to_json(event), "seq": seq}
        body = body_of(data)
        stored = StoredEvent(seq, head.hash, chain_hash(head.hash, body), body)
        records.append(Record(stored, columns_of(data)))
        head = Head(seq, stored.hash)
    return records


def body_of(data: Mapping[str, Any]) -> str:
    """The canonical JSON that is hashed."""
    return _storable(canonical.encode(data))


def chain_hash(previous: str, body: str) -> str:
    return hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()


def columns_of(data: Mapping[str, Any]) -> dict[str, str]:
    """What the log is searched by. An event without a target may name its cluster in its details."""
    target, key = data.get("target"), data.get("object")
    cluster = target["cluster"] if target else data.get("details", {}).get("cluster", "")
    columns = {
        "id": data["id"],
        "time": data["time"],
        "run": data["run"],
        "type": data["type"],
        "target": f"{target['cluster']}/{target['mesh']}" if target else "",
        "cluster": cluster if isinstance(cluster, str) else "",
        "api_group": key["group"] if key else "",
        "object": str(ObjectKey(**key)) if key else "",
        "commit_sha": data.get("commit", {}).get("sha", ""),
        "result": data.get("result", ""),
    }
    return {name: _storable(value) for name, value in columns.items()}


def follow(head: Head, records: Iterable[Record], follows: Callable[[str], bool], outside: Head | None = None) -> Head:
    """Walk the chain from ``head`` over the records and return where it ends.

    ``follows`` tells whether some row of the log names this hash as the one before it. ``outside`` is the head as
    kept beside the log; it may be behind, for a process may die between the two. Tampered at the first break.
    """
    for record in records:
        fault = _fault(head, record, follows)
        if fault:
            raise Tampered(f"the audit log is broken at event {head.count + 1}: {fault}", head.count + 1)
        head = Head(record.stored.seq, record.stored.hash)
        if outside and head.count == outside.count:
            check_hash(outside, head.hash)
    return head


def check_hash(outside: Head, hashed: str) -> None:
    """Compare the head kept beside the log with the hash that the log has there. Tampered when they differ."""
    if hashed != outside.hash:
        raise Tampered(
            f"the audit log is broken at event {outside.count} or before: changed and the hashes made anew, "
            "for the head kept beside the log has another hash",
            outside.count,
        )


def check_end(end: Head, outside: Head | None) -> None:
    """Compare where the log ends with the head kept beside it. Tampered when the log is cut or the head is gone."""
    if outside is None and end.count:
        raise Tampered(f"the head of the audit log is missing, while the log holds {end.count} events", 0)
    if outside and outside.count > end.count:
        raise Tampered(
            f"the audit log is broken at event {end.count + 1}: the tail is cut; {outside.count} events were "
            f"recorded and {end.count} are there",
            end.count + 1,
        )


def _fault(head: Head, record: Record, follows: Callable[[str], bool]) -> str:
    stored, seq = record.stored, head.count + 1
    if stored.seq < seq:
        return f"inserted: a row numbered {stored.seq}"
    if stored.seq > seq:
        return "reordered: it is elsewhere in the log" if follows(head.hash) else "removed"
    data = _decoded(stored.body)
    if data is None or chain_hash(stored.previous, stored.body) != stored.hash:
        own = stored.previous == head.hash
        return (
            "inserted: the true one follows it" if not own and follows(head.hash) else "changed: hash and body differ"
        )
    if data.get("seq") != seq:
        return _misplaced(seq, data.get("seq"), follows(head.hash))
    if stored.previous != head.hash:
        if follows(head.hash):
            return "inserted: the true one follows it"
        return f"changed: this one or event {head.count}, with its hash made anew; they do not belong together"
    return _column_fault(record, data)


def _misplaced(seq: int, held: object, true_one_is_there: bool) -> str:
    told = f"the row holds event {held}"
    if true_one_is_there:
        return f"reordered: {told}"
    return f"inserted: a row before it, for {told}" if isinstance(held, int) and held < seq else f"removed: {told}"


def _column_fault(record: Record, data: Mapping[str, Any]) -> str:
    try:
        expected = columns_of(data)
    except (KeyError, TypeError, AttributeError):
        return "changed: its body is not that of an event"
    wrong = sorted(name for name, value in expected.items() if record.columns.get(name) != value)
    return f"changed: column {', '.join(wrong)} differs from the body" if wrong else ""


def _decoded(body: str) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _storable(text: str) -> str:
    """Bytes of a commit that are no UTF-8 arrive as lone surrogates; in JSON their escape means the same."""
    return text.encode("utf-8", "backslashreplace").decode()
