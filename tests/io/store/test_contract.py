"""What every store promises: values, proofs, intents, events."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.model.commits import Commit
from reconciler.model.events import AuditEvent, Intent, StoredEvent
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.ports import Proofs, Store, StoreError
from reconciler.report.events import stored_event

Make = Callable[..., AuditEvent]
Intend = Callable[..., Intent]


def ids(store: Store, **filters: str) -> list[str]:
    return [stored_event(stored).id for stored in store.events(**filters)]


def test_values_are_kept_by_name(store: Store) -> None:
    assert store.get("accepted/main") is None
    store.put("accepted/main", {"sha": "abc", "times": [1, 2.5, None, True]})
    store.put("accepted/main", {"sha": "def", "times": [1, 2.5, None, True]})
    assert store.get("accepted/main") == {"sha": "def", "times": [1, 2.5, None, True]}
    store.delete("accepted/main")
    store.delete("accepted/main")
    assert store.get("accepted/main") is None


def test_keys_are_found_by_a_literal_prefix(store: Store) -> None:
    for key in ("a_b/2", "a_b/1", "axb/1", "A_b/1", "a%", "other"):
        store.put(key, 0)
    assert store.values(["a_b/", "a%"]) == {key: store.get(key) for key in ("a%", "a_b/1", "a_b/2")}
    assert list(store.keys("a_b/")) == ["a_b/1", "a_b/2"]
    assert list(store.keys("a%")) == ["a%"]
    assert list(store.keys("")) == sorted(["a_b/2", "a_b/1", "axb/1", "A_b/1", "a%", "other"])


def test_a_value_is_a_copy(store: Store) -> None:
    value = {"list": [1]}
    store.put("key", value)
    value["list"].append(2)
    assert store.get("key") == {"list": [1]}


def test_proofs_are_replaced_per_cluster(store: Store) -> None:
    one, two, three = (ObjectKey("g", "Kind", space, "name") for space in ("", "shop", "bank"))
    store.replace_proven("eu-1", {one: ("h1", "1"), two: ("h2", "2")})
    store.replace_proven("us-1", {one: ("h9", "9")})
    assert store.proven("eu-1") == {one: ("h1", "1"), two: ("h2", "2")}
    store.replace_proven("eu-1", {two: ("h2", "3"), three: ("h3", "3")})
    assert store.proven("eu-1") == {two: ("h2", "3"), three: ("h3", "3")}
    assert store.proven("us-1") == {one: ("h9", "9")}
    store.replace_proven("eu-1", {})
    assert store.proven("eu-1") == {}
    assert store.proven("unknown") == {}


def test_values_are_kept_with_events_or_not_at_all(store: Store, make: Make) -> None:
    store.put("old", 1)
    event = make()
    store.append([event], {"new": 2, "old": None})
    assert (store.get("new"), store.get("old")) == (2, None)
    with pytest.raises(StoreError, match="recorded already"):
        store.append([event], {"new": 3})
    assert store.get("new") == 2
    store.append([], {"new": 4})
    assert (store.get("new"), store.verify()) == (4, 1)


def test_proofs_are_kept_with_outcomes(store: Store, intend: Intend) -> None:
    one, two, three = (ObjectKey("g", "K", "ns", name) for name in ("one", "two", "three"))
    store.replace_proven("eu", {one: ("d", "1"), two: ("d", "2")})
    store.open_intents([intent := intend()])
    store.close_intents({intent.id: intent.event}, (), Proofs("eu", {one: None, two: ("e", "3"), three: ("d", "4")}))
    assert store.proven("eu") == {two: ("e", "3"), three: ("d", "4")}
    with pytest.raises(StoreError, match="not open"):
        store.close_intents({intent.id: intent.event}, (), Proofs("eu", {two: None}))
    assert store.proven("eu") == {two: ("e", "3"), three: ("d", "4")}


def test_events_come_back_as_they_were_in_order_and_chained(store: Store, make: Make) -> None:
    events = [make(n, run=f"run-{n}") for n in range(5)]
    store.append(events[:2])
    store.append([])
    store.append(iter(events[2:]))
    stored = list(store.events())
    assert [stored_event(each) for each in stored] == events
    assert [each.seq for each in stored] == [1, 2, 3, 4, 5]
    assert [each.previous for each in stored] == ["0" * 64, *(each.hash for each in stored[:-1])]
    assert store.verify() == 5


def test_text_that_no_database_would_take_is_recorded(store: Store, make: Make) -> None:
    odd = "caf\udce9 \x00 \x1b[2J \n 😀"
    event = make(commit=Commit("b" * 40, odd, message=odd), error=odd, run="r\udcff", details={odd: [odd]})
    store.append([event])
    intent = Intent("i", make(id="i", error=odd), odd.replace("\x00", ""), "d")
    store.open_intents([intent])
    assert [stored_event(each) for each in store.events()] == [event]
    assert list(store.pending_intents()) == [intent]
    assert store.verify() == 1


def test_an_event_is_recorded_once(store: Store, make: Make) -> None:
    first, second, third = make(), make(), make()
    store.append([first])
    with pytest.raises(StoreError, match=f"recorded already.*{first.id}"):
        store.append([second, first])
    with pytest.raises(StoreError, match=f"recorded already.*{third.id}"):
        store.append([third, third])
    assert ids(store) == [first.id]
    assert store.verify() == 1


def test_a_time_without_a_zone_is_refused_whole(store: Store, make: Make) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        store.append([make(), make(time=datetime(2026, 1, 1))])
    assert ids(store) == []
    store.append([make()])
    assert store.verify() == 1


def test_intents_stay_open_until_their_outcome_is_recorded(store: Store, intend: Intend) -> None:
    intents = [intend(run=f"run-{n}") for n in range(4)]
    store.open_intents(intents[:3])
    store.open_intents(iter(intents[3:]))
    assert list(store.pending_intents()) == intents
    store.close_intents({intents[2].id: intents[2].event, intents[0].id: None})
    assert list(store.pending_intents()) == [intents[1], intents[3]]
    assert ids(store) == [intents[2].id]
    store.open_intents([intents[0]])
    assert list(store.pending_intents()) == [intents[1], intents[3], intents[0]]
    store.close_intents({})
    store.open_intents([])


def test_an_intent_is_closed_once_and_all_or_none(store: Store, intend: Intend, make: Make) -> None:
    open_one, closed = intend(), intend()
    store.open_intents([open_one, closed])
    store.close_intents({closed.id: closed.event})
    for wrong in ({closed.id: None}, {open_one.id: open_one.event, "unknown": None}, {"unknown": None}):
        with pytest.raises(StoreError, match="not open, nothing was closed"):
            store.close_intents(wrong)
    assert list(store.pending_intents()) == [open_one]
    assert ids(store) == [closed.id]
    with pytest.raises(ValueError, match="its own id"):
        store.close_intents({open_one.id: make()})
    assert list(store.pending_intents()) == [open_one]


def test_an_intent_stays_open_when_its_event_cannot_be_recorded(store: Store, intend: Intend) -> None:
    first, second = intend(), intend()
    store.open_intents([first, second])
    store.append([second.event])
    with pytest.raises(StoreError, match="recorded already"):
        store.close_intents({first.id: first.event, second.id: second.event})
    assert list(store.pending_intents()) == [first, second]
    assert ids(store) == [second.id]
    store.close_intents({first.id: first.event, second.id: None})
    assert store.verify() == 2


def test_intents_open_all_or_none(store: Store, intend: Intend, make: Make) -> None:
    known, fresh, recorded = intend(), intend(), intend()
    store.open_intents([known])
    store.append([recorded.event])
    for wrong, why in (([fresh, known], "opened"), ([fresh, fresh], "opened"), ([fresh, recorded], "recorded")):
        with pytest.raises(StoreError, match=f"{why} already, nothing was added"):
            store.open_intents(wrong)
    assert list(store.pending_intents()) == [known]


REVIEWS = ObjectKey("networking.example.org", "VirtualService", "shop", "reviews")
RULE = ObjectKey("networking.example.org", "DestinationRule", "shop", "reviews")
OTHER = ObjectKey("networking.example.org", "VirtualService", "shop", "reviews-2")
EU, US = TargetId("eu-1", "istio-eu"), TargetId("us-1", "istio-us")


@pytest.fixture
def filled(store: Store, make: Make) -> Store:
    nothing = {"target": None, "object": None, "commit": None}
    store.append(
        [
            make(0, id="e1", run="r1", type="run.started", **nothing),
            make(1, id="e2", run="r1", type="object.created", target=EU, object=REVIEWS, commit=Commit("ab" * 20)),
            make(2, id="e3", run="r1", type="object.updated", target=US, object=RULE, commit=Commit("ac" * 20)),
            make(3, id="e4", run="r2", type="drift.detected", target=EU, object=OTHER, commit=Commit("ab" * 20)),
            make(4, id="e5", run="r2", type="cluster.removed", **nothing, details={"cluster": "eu-1"}),
        ]
    )
    return store


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "e1 e2 e3 e4 e5"),
        ({"run": "r1"}, "e1 e2 e3"),
        ({"run": "r"}, ""),
        ({"run": ""}, "e1 e2 e3 e4 e5"),
        ({"type": "object.created"}, "e2"),
        ({"type": "object"}, ""),
        ({"type": "object.*"}, "e2 e3"),
        ({"type": "*"}, "e1 e2 e3 e4 e5"),
        ({"type": "Object.*"}, ""),
        ({"target": "eu-1/istio-eu"}, "e2 e4"),
        ({"target": "eu-1"}, ""),
        ({"cluster": "eu-1"}, "e2 e4 e5"),
        ({"object": "VirtualService shop/reviews"}, "e2"),
        ({"object": "shop/reviews"}, "e2 e3 e4"),
        ({"object": "virtualservice"}, "e2 e4"),
        ({"object": "%"}, ""),
        ({"object": "shop_reviews"}, ""),
        ({"commit": "ab"}, "e2 e4"),
        ({"commit": "AC" * 20}, "e3"),
        ({"commit": "b"}, ""),
        ({"since": "2026-03-01T12:02:00Z"}, "e3 e4 e5"),
        ({"until": "2026-03-01T12:02:00Z"}, "e1 e2"),
        ({"since": "2026-03-01T13:03:00+01:00", "until": "2026-03-01T12:04"}, "e4"),
        ({"since": "2026-03-02"}, ""),
        ({"id": "e3"}, "e3"),
        ({"run": "r2", "cluster": "eu-1", "type": "drift.*"}, "e4"),
    ],
)
def test_filters(filled: Store, filters: dict[str, str], expected: str) -> None:
    assert ids(filled, **filters) == expected.split()
    newest = [stored_event(stored).id for stored in filled.events(newest_first=True, limit=2, **filters)]
    assert newest == expected.split()[::-1][:2]


def test_a_wrong_filter_is_told_before_anything_is_read(store: Store) -> None:
    with pytest.raises(ValueError, match=r"unknown filter 'colour'.*known are run, type"):
        store.events(colour="red")
    with pytest.raises(ValueError, match="since: 'yesterday' is not a time"):
        store.events(since="yesterday")


def test_times_are_compared_across_zones(store: Store, make: Make) -> None:
    store.append([make(id="late", time=datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2))))])
    assert ids(store, until="2026-03-01") == ["late"]
    assert ids(store, since="2026-02-28T23:30:00Z") == ["late"]
    assert ids(store, since="2026-02-28T23:30:00.000001Z") == []


def test_many_events_stream_in_order(store: Store, make: Make) -> None:
    events = [make(n % 7, run=f"run-{n % 2}") for n in range(1203)]
    store.append(events)
    expected = [event.id for event in events]
    assert ids(store) == expected
    assert [stored_event(each).id for each in store.events(newest_first=True)] == expected[::-1]
    assert [each.seq for each in store.events(newest_first=True, limit=501)] == list(range(1203, 702, -1))
    assert [each.seq for each in store.events(limit=500)] == list(range(1, 501))
    assert ids(store, run="run-1") == expected[1::2]


def test_events_recorded_while_the_log_is_read_do_not_disturb_it(store: Store, make: Make) -> None:
    store.append([make() for _ in range(600)])
    reading = iter(store.events(newest_first=True))
    first = next(reading)
    store.append([make()])
    assert [each.seq for each in (first, *reading)] == list(range(600, 0, -1))


def written(stored: list[StoredEvent]) -> list[str]:
    return [stored_event(each).id for each in stored]


def test_the_last_write_of_each_object(store: Store, make: Make) -> None:
    twin = ObjectKey("gateway.example.org", "VirtualService", "shop", "reviews")
    store.append(
        [
            make(id="old", type="object.created", target=EU, object=REVIEWS),
            make(id="us", type="object.created", target=US, object=REVIEWS),
            make(id="new", type="object.updated", target=EU, object=REVIEWS),
            make(id="twin", type="object.created", target=EU, object=twin),
            make(id="gone", type="object.pruned", target=EU, object=RULE, result="pruned"),
            make(id="failed", type="object.updated", target=EU, object=REVIEWS, result="failed"),
            make(id="seen", type="drift.detected", target=US, object=REVIEWS),
        ]
    )
    assert written(list(store.last_writes())) == ["us", "new", "twin", "gone"]
    assert written(list(store.last_writes("VirtualService shop/reviews"))) == ["us", "new", "twin"]
    assert written(list(store.last_writes("destinationrule"))) == ["gone"]
    assert written(list(store.last_writes("reviews", cluster="us-1"))) == ["us"]
    assert written(list(store.last_writes("absent"))) == []


def test_the_log_reads_in_utc(store: Store, make: Make) -> None:
    store.append([make(time=datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2))))])
    [stored] = store.events()
    assert stored_event(stored).time == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert '"time":"2026-03-01T12:00:00.000000Z"' in stored.body
