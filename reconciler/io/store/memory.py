"""The store's twin in memory: same chain, filters and refusals, nothing durable."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.io.store import chain
from reconciler.io.store import leases as rules
from reconciler.io.store.chain import START, Head, Record
from reconciler.io.store.filters import Condition, narrow, parse_filters, wrote_object
from reconciler.io.store.leases import Bid, Row
from reconciler.model import canonical
from reconciler.model.events import AuditEvent, Intent, StoredEvent
from reconciler.model.leases import Lease
from reconciler.model.refs import ObjectKey
from reconciler.ports import Proofs, StoreError


class MemoryStore:
    """A ``reconciler.ports.Store`` that ends with the process. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._records: list[Record] = []
        self._ids: set[str] = set()
        self._intents: dict[str, Intent] = {}
        self._values: dict[str, str] = {}
        self._proven: dict[str, dict[ObjectKey, tuple[str, str]]] = {}
        self._leases: dict[str, Row] = {}

    def close(self) -> None:
        """Nothing is held; what was recorded can still be read."""

    def get(self, key: str) -> Any | None:
        value = self._values.get(key)
        return None if value is None else json.loads(value)

    def put(self, key: str, value: Any) -> None:
        self._values[key] = canonical.encode(value)

    def keys(self, prefix: str) -> Sequence[str]:
        return sorted(key for key in list(self._values) if key.startswith(prefix))

    def values(self, prefixes: Sequence[str]) -> Mapping[str, Any]:
        found = sorted(item for item in list(self._values.items()) if item[0].startswith(tuple(prefixes)))
        return {key: json.loads(value) for key, value in found}

    def delete(self, key: str) -> None:
        self._values.pop(key, None)

    def proven(self, cluster: str) -> Mapping[ObjectKey, tuple[str, str]]:
        return dict(self._proven.get(cluster, {}))

    def replace_proven(self, cluster: str, proven: Mapping[ObjectKey, tuple[str, str]]) -> None:
        self._proven[cluster] = dict(proven)

    def acquire_lease(self, name: str, holder: str, seconds: float, now: datetime) -> Lease | None:
        with self._lock:
            row = self._leases.get(name)
            if row and rules.is_held(row, now, _never_known):
                self._leases[name] = rules.cut(row, now)
                return None
            self._leases[name] = rules.taken(row, Bid(name, holder, seconds, now))
            return self._leases[name].lease()

    def renew_lease(self, lease: Lease, seconds: float, now: datetime) -> Lease | None:
        with self._lock:
            row = self._leases.get(lease.name)
            if row is None or not rules.is_current(row, lease):
                return None
            until = Bid(row.name, row.holder, seconds, now).until
            self._leases[lease.name] = replace(row, until=until, seconds=seconds)
            return self._leases[lease.name].lease()

    def release_lease(self, lease: Lease) -> None:
        with self._lock:
            row = self._leases.get(lease.name)
            if row and rules.is_current(row, lease):
                self._leases[lease.name] = replace(row, holder="")

    def lease_holder(self, name: str) -> Lease | None:
        row = self._leases.get(name)
        return row.lease() if row and row.holder else None

    def leases(self, prefix: str, now: datetime) -> Sequence[Lease]:
        with self._lock:
            rows = [self._leases[name] for name in sorted(self._leases) if name.startswith(prefix)]
        return [rules.seen(row, now, _never_known) for row in rows]

    def open_intents(self, intents: Iterable[Intent], leases: Iterable[Lease] = ()) -> None:
        batch = list(intents)
        with self._lock:
            self._check(leases)
            self._refuse_opened(batch)
            self._intents.update((intent.id, intent) for intent in batch)

    def close_intents(
        self,
        done: Mapping[str, AuditEvent | None],
        leases: Iterable[Lease] = (),
        proofs: Proofs | None = None,
        opened: Iterable[Intent] = (),
    ) -> None:
        batch = list(opened)
        chain.refuse_strayed(done)
        with self._lock:
            self._check(leases)
            unknown = done.keys() - self._intents.keys()
            if unknown:
                raise StoreError(f"not open, nothing was closed: intent {', '.join(sorted(unknown))}")
            self._refuse_opened(batch)
            self.append(event for event in done.values() if event)
            for name in done:
                del self._intents[name]
            if proofs:
                wanted = {**self.proven(proofs.cluster), **proofs.objects}
                self._proven[proofs.cluster] = {key: proof for key, proof in wanted.items() if proof is not None}
            self._intents.update((intent.id, intent) for intent in batch)

    def pending_intents(self) -> Sequence[Intent]:
        with self._lock:
            return list(self._intents.values())

    def append(self, events: Iterable[AuditEvent], values: Mapping[str, Any] | None = None) -> None:
        batch = list(events)
        with self._lock:
            self._refuse_known([event.id for event in batch])
            records = chain.link(self._end(), batch)
            self._records.extend(records)
            self._ids.update(event.id for event in batch)
            for key, value in (values or {}).items():
                if value is None:
                    self.delete(key)
                else:
                    self.put(key, value)

    def events(self, *, newest_first: bool = False, limit: int = 0, **filters: str) -> Iterable[StoredEvent]:
        found = list(self._matching(parse_filters(filters)))
        if newest_first:
            found.reverse()
        return iter([record.stored for record in (found[:limit] if limit else found)])

    def last_writes(self, object_pattern: str = "", cluster: str = "") -> Sequence[StoredEvent]:
        newest: dict[tuple[str, ...], StoredEvent] = {}
        for record in self._matching(narrow(object_pattern, cluster)):
            if wrote_object(record.columns):
                newest[tuple(record.columns[name] for name in ("cluster", "api_group", "object"))] = record.stored
        return sorted(newest.values(), key=lambda stored: stored.seq)

    def verify(self) -> int:
        with self._lock:
            hashes = {record.stored.previous for record in self._records}
            return chain.follow(START, self._records, hashes.__contains__).count

    def _refuse_opened(self, batch: Sequence[Intent]) -> None:
        self._refuse_known(sorted({intent.id for intent in batch}))
        twice = [name for name, count in Counter(i.id for i in batch).items() if count > 1 or name in self._intents]
        if twice:
            raise StoreError(f"opened already, nothing was added: intent {', '.join(sorted(twice))}")

    def _check(self, held: Iterable[Lease]) -> None:
        for lease in held:
            rules.check(self._leases.get(lease.name), lease)

    def _end(self) -> Head:
        last = self._records[-1].stored if self._records else None
        return Head(last.seq, last.hash) if last else START

    def _matching(self, conditions: Sequence[Condition]) -> Iterator[Record]:
        with self._lock:
            records = list(self._records)
        return (record for record in records if all(condition.holds(record.columns) for condition in conditions))

    def _refuse_known(self, ids: Sequence[str]) -> None:
        twice = [name for name, count in Counter(ids).items() if count > 1 or name in self._ids]
        if twice:
            raise StoreError(f"recorded already, nothing was added: event {', '.join(sorted(twice))}")


def _never_known(_session: str) -> bool:
    """Its holders are tasks and threads of one process; only time tells that one is gone."""
    return False
