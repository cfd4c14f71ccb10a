"""Audit events come back from JSON as they went in; CloudEvents and lines say what they must."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import canonical
from reconciler.model.commits import Commit
from reconciler.model.events import Actor, AuditEvent, EventOrigin, Intent, StoredEvent
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.report.events import (
    cloudevent,
    event_from_json,
    event_line,
    event_to_json,
    intent_from_json,
    intent_to_json,
    stored_event,
    utc_text,
)

TIME = datetime(2026, 3, 1, 14, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=2)))
SMALL = AuditEvent("id-1", TIME, "run-1", "run.started", Actor("host:1", "ann", "schedule"))
WHOLE = AuditEvent(
    id="id-2",
    time=TIME,
    run="run-1",
    type="object.updated",
    actor=Actor("host:1", "ann", "manual"),
    commit=Commit(
        "ab" * 20, "Ann <a@b.org>", TIME, "Bob <b@b.org>", TIME, "Split\n\nbody", "G KEY", {"reviewed-by": ("x", "y")}
    ),
    origins=(
        EventOrigin("policies/a.yaml", 3, "TrafficPolicy", "default/a"),
        EventOrigin("policies/b.yaml", 9, "TrafficPolicy", "default/b"),
    ),
    target=TargetId("eu-1", "mesh-eu"),
    object=ObjectKey("networking.example.org", "VirtualService", "shop", "reviews"),
    before="b",
    after="a",
    fields=({"path": "spec.timeout", "op": "change", "before": "1s", "after": None},),
    previous_writer="kubectl-edit 2026-03-01T11:00:00Z",
    result="changed",
    error="and yet",
    duration=0.125,
    details={"wave": 50, "list": [1, 2.5, None, {"a": True}]},
)


def through_text(event: AuditEvent) -> AuditEvent:
    return event_from_json(json.loads(canonical.encode(event_to_json(event))))


@pytest.mark.parametrize("event", [SMALL, WHOLE])
def test_an_event_comes_back_as_it_was(event: AuditEvent) -> None:
    assert through_text(event) == event


def test_the_json_of_an_event_is_stable() -> None:
    """What lies in logs today must be read tomorrow: a change here needs a reader for the old form."""
    assert event_to_json(WHOLE) == {
        "id": "id-2",
        "time": "2026-03-01T12:00:00.250000Z",
        "run": "run-1",
        "type": "object.updated",
        "actor": {"instance": "host:1", "user": "ann", "trigger": "manual"},
        "commit": {
            "sha": "ab" * 20,
            "author": "Ann <a@b.org>",
            "authorTime": "2026-03-01T14:00:00.250000+02:00",
            "committer": "Bob <b@b.org>",
            "commitTime": "2026-03-01T14:00:00.250000+02:00",
            "message": "Split\n\nbody",
            "signature": "G KEY",
            "trailers": {"reviewed-by": ["x", "y"]},
        },
        "origins": [
            {"path": "policies/a.yaml", "line": 3, "kind": "TrafficPolicy", "name": "default/a"},
            {"path": "policies/b.yaml", "line": 9, "kind": "TrafficPolicy", "name": "default/b"},
        ],
        "target": {"cluster": "eu-1", "mesh": "mesh-eu"},
        "object": {
            "group": "networking.example.org",
            "kind": "VirtualService",
            "namespace": "shop",
            "name": "reviews",
        },
        "before": "b",
        "after": "a",
        "fields": [{"path": "spec.timeout", "op": "change", "before": "1s", "after": None}],
        "previousWriter": "kubectl-edit 2026-03-01T11:00:00Z",
        "result": "changed",
        "error": "and yet",
        "duration": 0.125,
        "details": {"wave": 50, "list": [1, 2.5, None, {"a": True}]},
    }
    assert set(event_to_json(SMALL)) == {"id", "time", "run", "type", "actor"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TIMES = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC) | st.just(TIME.tzinfo))
COMMITS = st.builds(
    Commit,
    st.text(),
    st.text(),
    st.none() | TIMES,
    st.text(),
    st.none() | TIMES,
    st.text(),
    st.text(),
    st.dictionaries(st.text(), st.tuples(st.text()), max_size=2),
)
ORIGINS = st.builds(EventOrigin, st.text(), st.integers(0), st.text(), st.text())
EVENTS = st.builds(
    AuditEvent,
    id=st.text(),
    time=TIMES,
    run=st.text(),
    type=st.text(),
    actor=st.builds(Actor, st.text(), st.text(), st.text()),
    commit=st.none() | COMMITS,
    origins=st.lists(ORIGINS, max_size=2).map(tuple),
    target=st.none() | st.builds(TargetId, st.text(), st.text()),
    object=st.none() | st.builds(ObjectKey, st.text(), st.text(), st.text(), st.text()),
    before=st.text(),
    after=st.text(),
    fields=st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=2).map(tuple),
    previous_writer=st.text(),
    result=st.text(),
    error=st.text(),
    duration=st.floats(0, 1e6),
    details=st.dictionaries(st.text(), JSON, max_size=3),
)


@given(EVENTS)
def test_every_event_comes_back_as_it_was(event: AuditEvent) -> None:
    back = through_text(event)
    assert back == event
    assert canonical.encode(event_to_json(back)) == canonical.encode(event_to_json(event))
    line = event_line(event)
    assert line.isprintable()
    assert line.splitlines() == [line]


def test_an_intent_comes_back_as_it_was() -> None:
    intent = Intent("id-2", WHOLE, "17", "d1")
    assert intent_from_json(json.loads(canonical.encode(intent_to_json(intent)))) == intent


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="a time without a zone: 2026-01-01T00:00:00"):
        utc_text(datetime(2026, 1, 1))


def test_times_sort_as_text() -> None:
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=n) for n in (0, 1, 999_999, 1_000_000)]
    assert [utc_text(time) for time in times] == sorted(utc_text(time) for time in times)


def stored(event: AuditEvent) -> StoredEvent:
    body = canonical.encode({**event_to_json(event), "seq": 7})
    return StoredEvent(7, "p" * 64, hashlib.sha256(f"{'p' * 64}\n{body}".encode()).hexdigest(), body)


def test_a_stored_event_is_read_back() -> None:
    assert stored_event(stored(WHOLE)) == WHOLE


def test_a_cloudevent_says_what_the_specification_asks() -> None:
    event = cloudevent(stored(WHOLE), "urn:reconciler:main")
    assert {name: value for name, value in event.items() if name != "data"} == {
        "specversion": "1.0",
        "id": "id-2",
        "source": "urn:reconciler:main",
        "type": "dev.reconciler.object.updated",
        "subject": "eu-1/mesh-eu/VirtualService shop/reviews",
        "time": "2026-03-01T12:00:00.250000Z",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000007",
        "chainprevious": "p" * 64,
        "chainhash": stored(WHOLE).hash,
    }
    assert all(name.isalnum() and name.islower() for name in event)
    assert event_from_json(event["data"]) == WHOLE
    assert "subject" not in cloudevent(stored(SMALL), "urn:x")


def test_an_export_can_be_verified_without_the_store() -> None:
    event = json.loads(json.dumps(cloudevent(stored(WHOLE), "urn:x")))
    text = f"{event['chainprevious']}\n{canonical.encode(event['data'])}"
    assert hashlib.sha256(text.encode()).hexdigest() == event["chainhash"]


def test_a_line_says_when_what_where_why_and_by_whom() -> None:
    assert event_line(SMALL) == "2026-03-01T12:00:00Z  run.started  run by ann@host:1 (schedule)"
    assert event_line(WHOLE) == (
        "2026-03-01T12:00:00Z  object.updated  eu-1/mesh-eu  VirtualService shop/reviews  "
        "commit abababab by Ann <a@b.org>  from policies/a.yaml:3 (+1)  run by ann@host:1 (manual)  "
        "written by kubectl-edit 2026-03-01T11:00:00Z  result changed  error: and yet"
    )


def test_nothing_in_a_line_moves_the_terminal() -> None:
    event = AuditEvent("i", TIME, "r", "run.failed", Actor("h", "u", "once"), error="\x1b[2J\nfake \u202e \udce9 é")
    assert event_line(event).endswith(r"error: \x1b[2J\nfake \u202e \udce9 é")
