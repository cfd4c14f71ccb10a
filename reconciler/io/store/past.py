"""Events that have left the log, read from their archives as if they were still in it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.io.store.archive import archived_events, first_event
from reconciler.io.store.chain import columns_of
from reconciler.io.store.filters import Condition, narrow, parse_filters, wrote_object
from reconciler.io.store.sql import SqlStore
from reconciler.model.events import StoredEvent

FOLDER = "archives"  # in the state folder: files there are found without being named


def found_archives(state: Path) -> tuple[Path, ...]:
    return tuple(sorted((state / FOLDER).glob("*.jsonl")))


@dataclass(frozen=True, slots=True)
class Trail:
    """A log with the archives that it goes on from, as far as they are given. Tampered where one is broken."""

    store: SqlStore
    archives: Collection[Path]

    def events(self, filters: Mapping[str, str], last: int = 0) -> list[StoredEvent]:
        """Oldest first, of archives and log; ``last``: only so many of the newest, 0 for all."""
        rows = list(self.store.events(newest_first=True, limit=last, **filters))[::-1]
        if self.archives and (not last or len(rows) < last):
            conditions = parse_filters(filters)
            older = deque(self._archived(conditions), maxlen=last - len(rows) if last else None)
            rows = [*older, *rows]
        return rows

    def last_writes(self, object_pattern: str) -> list[StoredEvent]:
        """Per cluster and object the newest event that wrote it."""
        newest: dict[tuple[str, str, str], StoredEvent] = {}
        for stored in self._archived(narrow(object_pattern, ""), writes=True):
            newest[_what(stored)] = stored
        newest |= {_what(stored): stored for stored in self.store.last_writes(object_pattern)}
        return sorted(newest.values(), key=lambda stored: stored.seq)

    def _archived(self, conditions: Collection[Condition], *, writes: bool = False) -> Iterator[StoredEvent]:
        until = self.store.archived()[0].count  # what is still in the log is read there
        for path in sorted(self.archives, key=first_event):
            for stored in archived_events(path):
                columns = columns_of(json.loads(stored.body))
                meant = all(condition.holds(columns) for condition in conditions)
                if stored.seq <= until and meant and (not writes or wrote_object(columns)):
                    yield stored


def _what(stored: StoredEvent) -> tuple[str, str, str]:
    columns = columns_of(json.loads(stored.body))
    return columns["cluster"], columns["api_group"], columns["object"]
