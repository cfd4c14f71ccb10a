"""The store on a SQL database: transactions, the head beside the log, and who waits for whom.

The queries are in ``log``, ``journal`` and ``holding``, the product's peculiarities in ``dialect``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from reconciler.io.store import DATABASE, HEAD, LOCK, WRITERS, chain, holding, journal, log, retention
from reconciler.io.store import leases as rules
from reconciler.io.store.archive import Archive
from reconciler.io.store.chain import START, Head
from reconciler.io.store.dialect import sqlite_engine, told_as_store_errors, writer
from reconciler.io.store.filters import Condition, narrow, parse_filters
from reconciler.io.store.folder import prepare_file, prepare_folder
from reconciler.io.store.head import HeadFile, locked
from reconciler.io.store.leases import Bid
from reconciler.io.store.schema import bring_up_to_date
from reconciler.io.store.sessions import Session
from reconciler.model.events import AuditEvent, Intent, StoredEvent
from reconciler.model.leases import Lease
from reconciler.model.refs import ObjectKey
from reconciler.ports import Proofs, StoreError

T = TypeVar("T")
_PAGE = 500


class SqlStore:
    """A ``reconciler.ports.Store``. Safe to use from many threads and processes at once."""

    def __init__(self, folder: Path, timeout: float) -> None:
        self._path = folder.absolute() / DATABASE
        self._timeout = timeout
        self._turn = threading.Lock()
        self._closed = False
        self._head = HeadFile(self._path.with_name(HEAD), self._path.with_name(LOCK), timeout)
        self._session = Session(self._path.with_name(WRITERS))
        self._engine = sqlite_engine(self._path, timeout)
        self._writer = writer(self._engine)
        try:
            with self._told("open"):
                self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._closed = True
        self._engine.dispose()
        self._session.close()

    def get(self, key: str) -> Any | None:
        return self._asked(journal.get, key)

    def put(self, key: str, value: Any) -> None:
        with self._writing() as connection:
            journal.put(connection, key, value)

    def keys(self, prefix: str) -> Sequence[str]:
        return self._asked(journal.keys, prefix)

    def values(self, prefixes: Sequence[str]) -> Mapping[str, Any]:
        return self._asked(journal.values, prefixes)

    def delete(self, key: str) -> None:
        with self._writing() as connection:
            journal.forget(connection, key)

    def proven(self, cluster: str) -> Mapping[ObjectKey, tuple[str, str]]:
        return self._asked(journal.proven, cluster)

    def replace_proven(self, cluster: str, proven: Mapping[ObjectKey, tuple[str, str]]) -> None:
        if self.proven(cluster) == proven:
            return
        with self._writing() as connection:
            journal.replace_proven(connection, cluster, proven)

    def acquire_lease(self, name: str, holder: str, seconds: float, now: datetime) -> Lease | None:
        with self._writing() as connection:
            bid = Bid(name, holder, seconds, now, self._session.name)
            return holding.acquire(connection, bid, self._session.ended)

    def renew_lease(self, lease: Lease, seconds: float, now: datetime) -> Lease | None:
        with self._writing() as connection:
            return holding.renew(connection, lease, Bid(lease.name, lease.holder, seconds, now))

    def release_lease(self, lease: Lease) -> None:
        with self._writing() as connection:
            holding.release(connection, lease)

    def lease_holder(self, name: str) -> Lease | None:
        row = self._asked(holding.find, name)
        return row.lease() if row and row.holder else None

    def leases(self, prefix: str, now: datetime) -> Sequence[Lease]:
        rows = self._asked(holding.beginning, prefix)
        return [rules.seen(row, now, self._session.ended) for row in rows]

    def open_intents(self, intents: Iterable[Intent], leases: Iterable[Lease] = ()) -> None:
        """Also refuses (Tampered) when the events of these intents could not be appended to the log as it is."""
        batch = list(intents)
        if not batch:
            return
        with self._writing() as connection:
            holding.check(connection, leases)
            self._trusted_end(connection)
            journal.open_intents(connection, batch)

    def close_intents(
        self,
        done: Mapping[str, AuditEvent | None],
        leases: Iterable[Lease] = (),
        proofs: Proofs | None = None,
        opened: Iterable[Intent] = (),
    ) -> None:
        """StoreError for an intent that is not open; ValueError for an event that has another id than its intent."""
        batch = list(opened)
        if not done:
            self.open_intents(batch, leases)
            return
        chain.refuse_strayed(done)
        with self._writing() as connection:
            holding.check(connection, leases)
            journal.close_intents(connection, done.keys())
            if proofs:
                journal.update_proven(connection, proofs)
            end = self._extend(connection, [event for event in done.values() if event])
            journal.open_intents(connection, batch)
        self._announce(end)

    def pending_intents(self) -> Sequence[Intent]:
        return self._asked(journal.pending)

    def append(self, events: Iterable[AuditEvent], values: Mapping[str, Any] | None = None) -> None:
        """StoreError when an event is in the log already; Tampered when the log's end is not as it was left."""
        batch = list(events)
        if not batch and not values:
            return
        with self._writing() as connection:
            journal.put_all(connection, values or {})
            end = self._extend(connection, batch)
        self._announce(end)

    def events(self, *, newest_first: bool = False, limit: int = 0, **filters: str) -> Iterable[StoredEvent]:
        """Read page by page while it is iterated; see ``filters.parse_filters``. ValueError for a wrong filter."""
        return self._pages(parse_filters(filters), newest_first, limit)

    def last_writes(self, object_pattern: str = "", cluster: str = "") -> Sequence[StoredEvent]:
        """Per cluster and object the newest event that wrote it (a prune too), in the order of the log.

        ``object_pattern``: "Kind namespace/name", or a part of it; everything when it is empty.
        """
        return self._asked(log.last_writes, narrow(object_pattern, cluster))

    def verify(self) -> int:
        with self._told("read"):
            # First: what is committed after this makes the log longer than the head, never shorter.
            outside = self._head.read()
        after: int | None = None
        while True:
            with self._reading() as connection:
                if after is None:
                    end = log.start(connection)
                batch = list(log.records(connection, after, _PAGE))
                if batch and batch[0].stored.seq > end.count + 1:  # the beginning may be leaving for an archive now
                    end = max(end, log.start(connection), key=lambda head: head.count)
                end = chain.follow(end, batch, partial(log.is_followed, connection), outside)
            if len(batch) < _PAGE:
                break
            after = end.count
        chain.check_end(end, outside)
        if outside and outside.count < end.count:
            self._announce(end)
        return end.count

    def archived(self) -> tuple[Head, Head]:
        """Up to where the beginning has left the log, and up to where archives hold it: more while it is leaving."""
        with self._reading() as connection:
            return log.start(connection), log.archived(connection)

    def forget_archived(self, archive: Archive, event: AuditEvent) -> None:
        """Append the event that tells of an archive, then remove from the log what it holds, see ``retention``.

        Tampered, and nothing is removed, when the archive is not the beginning of this log.
        """
        with self._writing() as connection:
            retention.check(connection, archive, event)
            end = self._extend(connection, [event])
        self._announce(end)
        self.finish_archiving()

    def finish_archiving(self) -> int:
        """Remove what recorded archives hold; how many events."""
        return retention.forget(self.archived()[1].count, self._writing)

    def restate_head(self, event: AuditEvent) -> None:
        """Go on from the log as it is, after it was found cut or without its head (a restored backup).

        ``event`` is appended and says who decided so; the head is written anew.
        """
        with self._writing() as connection:
            end = self._insert(connection, log.end(connection), [event])
        with self._told("write"):
            self._head.restate(end)

    def _prepare(self) -> None:
        prepare_folder(self._path.parent)
        with locked(self._path.with_name(LOCK), self._timeout):
            prepare_file(self._path)
            bring_up_to_date(self._engine)
        with self._engine.begin() as connection:
            empty = log.end(connection) == START
        if empty:
            self._head.create()

    def _extend(self, connection: Connection, events: Sequence[AuditEvent]) -> Head:
        return self._insert(connection, self._trusted_end(connection), events)

    def _insert(self, connection: Connection, end: Head, events: Sequence[AuditEvent]) -> Head:
        records = chain.link(end, events)
        if records:
            log.insert(connection, records)
            end = Head(records[-1].stored.seq, records[-1].stored.hash)
        return end

    def _trusted_end(self, connection: Connection) -> Head:
        """Where the log ends, compared with the head beside it, which catches up when it is behind."""
        end, outside = log.end(connection), self._head.read()
        chain.check_end(end, outside)
        if outside is None or outside == end:
            return end
        chain.check_hash(outside, log.hash_at(connection, outside.count))
        beyond = log.records(connection, outside.count, end.count - outside.count)
        chain.follow(outside, beyond, partial(log.is_followed, connection))
        self._head.advance(end)
        return end

    def _announce(self, end: Head) -> None:
        # The events are durable: an error now would say they are not. A head that could not be written stays
        # behind, and the next write begins by writing it or fails with the reason.
        with suppress(OSError, StoreError):
            self._head.advance(end)

    def _pages(self, conditions: Sequence[Condition], newest_first: bool, limit: int) -> Iterator[StoredEvent]:
        after, left = None, limit
        while True:
            size = min(_PAGE, left) if limit else _PAGE
            with self._reading() as connection:
                found = log.page(connection, conditions, after, newest_first, size)
            yield from found
            left -= len(found)
            if len(found) < size or (limit and not left):
                return
            after = found[-1].seq

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return told_as_store_errors(doing, self._path, self._timeout)

    def _asked(self, query: Callable[..., T], *arguments: Any) -> T:
        with self._reading() as connection:
            return query(connection, *arguments)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._refuse_closed()
        with self._told("read"), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that has the write lock; the turn keeps threads in line, which the database would not."""
        self._refuse_closed()
        if not self._turn.acquire(timeout=self._timeout):
            raise StoreError(f"the state store {self._path} was busy with other writes for {self._timeout:g} s")
        try:
            with self._told("write"), self._writer.begin() as connection:
                yield connection
        finally:
            self._turn.release()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreError(f"the state store {self._path} is closed")
