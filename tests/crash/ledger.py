"""Compares what changed in a cluster with what the audit log says of it: one event per change, and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.events import AuditEvent
from tests.crash.shop import Snapshot
from tests.pipeline.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Died:
    """A run that died, and the one after it: the objects before, between and after them, and what was logged."""

    before: Snapshot
    between: Snapshot
    after: Snapshot
    events: tuple[AuditEvent, ...]


def changed(old: Snapshot, new: Snapshot) -> set[str]:
    return {name for name in old.keys() | new.keys() if version(old, name) != version(new, name)}


def version(snapshot: Snapshot, name: str) -> str:
    return snapshot[name].version if name in snapshot else ""


def check(case: Died) -> None:
    """AssertionError unless each change has its event, exactly one, and each event its change."""
    written = [event for event in case.events if event.type.startswith("object.")]
    assert {event.result for event in written} <= {"changed", "pruned"}
    assert len({event.id for event in case.events}) == len(case.events)
    last = case.events[-1].run
    dead, next_run = _per_object(written, lambda run: run != last), _per_object(written, lambda run: run == last)
    assert dead == dict.fromkeys(changed(case.before, case.between), 1)
    assert next_run == dict.fromkeys(changed(case.between, case.after), 1)
    _marks(case, written)
    _types(case, written, last)


def _per_object(events: Iterable[AuditEvent], of) -> dict[str, int]:  # type: ignore[no-untyped-def]
    return dict(Counter(str(event.object) for event in events if of(event.run)))


def _marks(case: Died, written: list[AuditEvent]) -> None:
    """The event id on each object that was written is that of its event."""
    of = {event.id: str(event.object) for event in written}
    half_done = {str(event.object) for event in written if event.error}
    for old, new in ((case.before, case.between), (case.between, case.after)):
        for name in (changed(old, new) & new.keys()) - half_done:
            assert of.get(new[name].event) == name, (name, new[name].event)


def _types(case: Died, written: list[AuditEvent], last: str) -> None:
    """What came is recorded as created, what went as pruned, the rest as updated."""
    for event in written:
        old, new = (case.between, case.after) if event.run == last else (case.before, case.between)
        name = str(event.object)
        expected = "object.updated" if name in old and name in new else "object.created"
        assert event.type == (expected if name in new else "object.pruned"), name


def settled(fleet: Fleet) -> None:
    """Nothing is open, and the chain is whole."""
    assert fleet.store.pending_intents() == []
    assert fleet.store.verify() == len(fleet.events())


def drift_told(events: Iterable[AuditEvent], meddled: set[str]) -> None:
    """Each object that was edited by hand is recorded as drifted, and its drift as ended once."""
    found = list(events)
    seen = Counter(str(event.object) for event in found if event.type == "drift.detected")
    ended = Counter(str(event.details["object"]) for event in found if event.type == "drift.ended")
    assert sorted(seen) == sorted(meddled)
    assert ended == dict.fromkeys(meddled, 1)
