"""The queries of the audit log. Each takes a connection with a transaction begun."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, select

from reconciler.io.store.archive import ARCHIVED
from reconciler.io.store.chain import START, Head, Record
from reconciler.io.store.filters import NOT_WRITTEN, OBJECT_EVENTS, Condition, Test
from reconciler.io.store.tables import EVENTS
from reconciler.model.events import StoredEvent
from reconciler.ports import StoreError

_STORED = (EVENTS.c.seq, EVENTS.c.previous, EVENTS.c.hash, EVENTS.c.body)
_NAMES = tuple(column.name for column in EVENTS.columns)
_COLUMNS = tuple(name for name in _NAMES if name not in {"seq", "previous", "hash", "body"})
_ID_BATCH = 500


def end(connection: Connection) -> Head:
    """Where the log ends."""
    row = connection.execute(select(EVENTS.c.seq, EVENTS.c.hash).order_by(EVENTS.c.seq.desc()).limit(1)).first()
    return Head(row.seq, row.hash) if row else START


def insert(connection: Connection, records: Sequence[Record]) -> None:
    """Add rows. StoreError when the log has an event of that id already, or two of them share one."""
    refuse_known(connection, [record.columns["id"] for record in records])
    connection.execute(EVENTS.insert(), [_values(record) for record in records])


def refuse_known(connection: Connection, ids: Sequence[str]) -> None:
    """StoreError when one of the ids is in the log already, or is there twice in ``ids``."""
    twice = {name for name, count in Counter(ids).items() if count > 1}
    for start in range(0, len(ids), _ID_BATCH):
        known = select(EVENTS.c.id).where(EVENTS.c.id.in_(ids[start : start + _ID_BATCH]))
        twice.update(connection.scalars(known))
    if twice:
        raise StoreError(f"recorded already, nothing was added: event {', '.join(sorted(twice))}")


def page(
    connection: Connection, conditions: Sequence[Condition], after: int | None, newest_first: bool, size: int
) -> list[StoredEvent]:
    """The next ``size`` events that meet the conditions, beyond number ``after``."""
    query = select(*_STORED).where(*map(_clause, conditions)).limit(size)
    query = query.order_by(EVENTS.c.seq.desc() if newest_first else EVENTS.c.seq)
    if after is not None:
        query = query.where(EVENTS.c.seq < after if newest_first else EVENTS.c.seq > after)
    return _stored(connection, query)


def records(connection: Connection, after: int | None, size: int) -> Iterator[Record]:
    """Whole rows beyond number ``after`` (None: from the very first), oldest first, at most ``size``."""
    query = select(EVENTS).order_by(EVENTS.c.seq).limit(size)
    if after is not None:
        query = query.where(EVENTS.c.seq > after)
    return map(_record, connection.execute(query))


def start(connection: Connection) -> Head:
    """What the log goes on from: nothing, or a place in an archive of its former beginning, mostly the end of it.

    An event of the log itself must say that it was archived up to there, or further: then the rest of what was
    archived is still here and not yet removed. Else what is missing is missing.
    """
    begun = connection.execute(select(EVENTS.c.seq, EVENTS.c.previous).order_by(EVENTS.c.seq).limit(1)).first()
    if begun is None or begun.seq == START.count + 1:
        return START
    found = Head(begun.seq - 1, begun.previous)
    return found if any(_holds(connection, begins, end, found) for begins, end in _archives(connection)) else START


def _holds(connection: Connection, begins: int, end: Head, found: Head) -> bool:
    return found == end or (begins <= found.count < end.count and _hash(connection, end.count) == end.hash)


def first(connection: Connection) -> int | None:
    """The number of the first event that is there."""
    number = connection.scalar(select(func.min(EVENTS.c.seq)))
    return None if number is None else int(number)


def archived(connection: Connection) -> Head:
    """Up to where archives hold the beginning, whether or not that is still here."""
    ends = [end for _, end in _archives(connection) if _hash(connection, end.count) == end.hash]
    return max([start(connection), *ends], key=lambda head: head.count)


def _archives(connection: Connection) -> Iterator[tuple[int, Head]]:
    """Of each archive that the log tells of, how many events came before it, and its end; the newest first."""
    bodies = connection.scalars(select(EVENTS.c.body).where(EVENTS.c.type == ARCHIVED).order_by(EVENTS.c.seq.desc()))
    for body in bodies.all():
        with suppress(ValueError, KeyError, TypeError):
            details = json.loads(body)["details"]
            yield int(details["first"]) - 1, Head(int(details["through"]), str(details["hash"]))


def _hash(connection: Connection, seq: int) -> str:
    return connection.scalar(select(EVENTS.c.hash).where(EVENTS.c.seq == seq)) or ""


def forget(connection: Connection, through: int) -> int:
    """Remove the events up to this number; how many."""
    return connection.execute(delete(EVENTS).where(EVENTS.c.seq <= through)).rowcount


def hash_at(connection: Connection, seq: int) -> str:
    """The hash of event ``seq``, "" when it is not there; before the first event that of what it goes on from."""
    begin = start(connection)
    if seq == begin.count:
        return begin.hash
    return _hash(connection, seq)


def is_followed(connection: Connection, hashed: str) -> bool:
    """Whether a row names this hash as the one before it."""
    return connection.scalar(select(EVENTS.c.seq).where(EVENTS.c.previous == hashed).limit(1)) is not None


def last_writes(connection: Connection, conditions: Collection[Condition]) -> list[StoredEvent]:
    """Of each object of each cluster that meets the conditions, the newest event that wrote it."""
    newest = (
        select(func.max(EVENTS.c.seq))
        .where(_clause(Condition("type", Test.PREFIX, OBJECT_EVENTS)), EVENTS.c.result.not_in(NOT_WRITTEN))
        .where(*map(_clause, conditions))
        .group_by(EVENTS.c.cluster, EVENTS.c.api_group, EVENTS.c.object)
    )
    return _stored(connection, select(*_STORED).where(EVENTS.c.seq.in_(newest)).order_by(EVENTS.c.seq))


def _clause(condition: Condition) -> ColumnElement[bool]:
    column, value = EVENTS.c[condition.column], condition.value
    match condition.test:
        case Test.EQUAL:
            return column == value
        case Test.PREFIX:
            return func.substr(column, 1, len(value)) == value
        case Test.CONTAINS:
            return func.lower(column).contains(value, autoescape=True)
        case Test.FROM:
            return column >= value
        case Test.BEFORE:
            return column < value


def _values(record: Record) -> dict[str, Any]:
    stored = record.stored
    return {
        "seq": stored.seq,
        "previous": stored.previous,
        "hash": stored.hash,
        "body": stored.body,
        **record.columns,
    }


def _record(row: Row[Any]) -> Record:
    stored = StoredEvent(row.seq, row.previous, row.hash, row.body)
    return Record(stored, {name: row._mapping[name] for name in _COLUMNS})


def _stored(connection: Connection, query: Select[int, str, str, str]) -> list[StoredEvent]:
    return [StoredEvent(*row) for row in connection.execute(query)]
