"""Leases: one holder at a time, tokens that only grow, and nothing recorded under one that was lost."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from reconciler.io.store import WRITERS, open_store
from reconciler.io.store.sql import SqlStore
from reconciler.model.events import AuditEvent, Intent
from reconciler.model.leases import Lease
from reconciler.ports import LeaseLost, Store, StoreError

Intend = Callable[..., Intent]
Start = Callable[..., "subprocess.Popen[str]"]
NAME = "target/eu-1/mesh"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def acquired(store: Store, holder: str = "a:1", seconds: float = 30, now: datetime = NOW, name: str = NAME) -> Lease:
    lease = store.acquire_lease(name, holder, seconds, now)
    assert lease is not None
    return lease


def test_a_free_lease_is_given_and_says_until_when(store: Store) -> None:
    assert acquired(store) == Lease(NAME, "a:1", 1, after(30))
    assert store.lease_holder(NAME) == Lease(NAME, "a:1", 1, after(30))
    assert store.lease_holder("target/eu-1/other") is None


@pytest.mark.parametrize("holder", ["b:1", "a:1"])
def test_a_held_lease_is_refused_even_to_the_same_holder(store: Store, holder: str) -> None:
    lease = acquired(store)
    assert store.acquire_lease(NAME, holder, 30, after(29.9)) is None
    assert store.lease_holder(NAME) == lease


def test_names_do_not_get_in_each_others_way(store: Store) -> None:
    acquired(store)
    assert acquired(store, "b:1", name="target/eu-1/mesh-2").token == 1


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_token(store: Store) -> None:
    acquired(store)
    assert acquired(store, "b:1", now=after(30)).token == 2
    assert acquired(store, "a:1", now=after(60)).token == 3


def test_a_released_lease_is_free_and_its_token_goes_on(store: Store) -> None:
    store.release_lease(acquired(store))
    assert store.lease_holder(NAME) is None
    assert acquired(store, "b:1").token == 2


def test_releasing_does_not_touch_what_another_holds(store: Store) -> None:
    old = acquired(store)
    new = acquired(store, "b:1", now=after(31))
    store.release_lease(old)
    store.release_lease(Lease("target/never/taken", "a:1", 1, NOW))
    assert store.lease_holder(NAME) == new


def test_a_lease_is_renewed_as_long_as_nobody_took_it_over(store: Store) -> None:
    first = acquired(store)
    longer = store.renew_lease(first, 20, after(25))
    assert longer == Lease(NAME, "a:1", 1, after(45))
    assert store.acquire_lease(NAME, "b:1", 30, after(40)) is None
    late = store.renew_lease(first, 20, after(50))
    assert late == Lease(NAME, "a:1", 1, after(70))  # it had run out, and nobody else had had it
    acquired(store, "b:1", now=after(71))
    assert store.renew_lease(first, 20, after(72)) is None
    assert store.lease_holder(NAME) == Lease(NAME, "b:1", 2, after(101))


def test_a_released_lease_is_not_renewed(store: Store) -> None:
    lease = acquired(store)
    store.release_lease(lease)
    assert store.renew_lease(lease, 30, NOW) is None
    assert store.renew_lease(Lease("target/never/taken", "a:1", 1, NOW), 30, NOW) is None
    assert store.lease_holder(NAME) is None


def test_a_clock_that_was_set_back_holds_nobody_up_for_longer_than_a_lease(store: Store) -> None:
    acquired(store, now=after(86400))
    assert store.acquire_lease(NAME, "b:1", 30, NOW) is None
    held = store.lease_holder(NAME)
    assert held
    assert held.until == after(30)
    assert store.acquire_lease(NAME, "b:1", 30, after(29)) is None
    assert acquired(store, "b:1", now=after(30)).token == 2


def test_times_of_other_zones_are_the_same_times(store: Store) -> None:
    there = timezone(timedelta(hours=5))
    acquired(store, now=NOW.astimezone(there))
    assert store.acquire_lease(NAME, "b:1", 30, after(29)) is None
    assert acquired(store, "b:1", now=after(30).astimezone(there)).until == after(60)


@pytest.mark.parametrize(("holder", "seconds"), [("", 30), ("a:1", 0), ("a:1", -1)])
def test_a_lease_of_nobody_or_for_no_time_is_refused(store: Store, holder: str, seconds: float) -> None:
    with pytest.raises(ValueError, match="a holder and some time"):
        store.acquire_lease(NAME, holder, seconds, NOW)
    assert store.lease_holder(NAME) is None


def test_the_leases_of_a_beginning_name_only_those_who_hold(store: Store) -> None:
    acquired(store, name="target/b/m")
    store.release_lease(acquired(store, name="target/a/m"))
    acquired(store, name="target/c/m", now=after(-40))
    acquired(store, name="other/a/m")
    found = [(lease.name, lease.holder, lease.token) for lease in store.leases("target/", NOW)]
    assert found == [("target/a/m", "", 1), ("target/b/m", "a:1", 1), ("target/c/m", "", 1)]
    assert store.leases("Target/", NOW) == []


def test_intents_open_and_close_under_a_lease(store: Store, intend: Intend) -> None:
    lease, intent = acquired(store), intend()
    store.open_intents([intent], leases=[lease])
    renewed = store.renew_lease(lease, 30, after(10))
    assert renewed
    store.close_intents({intent.id: intent.event}, leases=[renewed])
    assert store.verify() == 1


@pytest.mark.parametrize("end", ["taken over", "given up", "another writer"])
def test_a_stale_token_records_nothing(store: Store, intend: Intend, end: str) -> None:
    stale, other = acquired(store), acquired(store, name="target/us-1/mesh")
    before, fresh = intend(), intend()
    store.open_intents([before], leases=[stale])
    if end == "taken over":
        acquired(store, "b:2", now=after(30))
        told = r"target/eu-1/mesh \(token 1\) is lost.*b:2 took over and holds it until 2026-03-01T12:01:00Z"
    elif end == "given up":
        store.release_lease(stale)
        told = "given up"
    else:
        store.release_lease(acquired(store, "b:2", now=after(30)))
        told = "another writer took over meanwhile"
    with pytest.raises(LeaseLost, match=told):
        store.open_intents([fresh], leases=[other, stale])
    with pytest.raises(LeaseLost, match=told):
        store.close_intents({before.id: before.event}, leases=[stale])
    assert list(store.pending_intents()) == [before]
    assert list(store.events()) == []
    store.close_intents({before.id: before.event}, leases=[other])
    assert store.verify() == 1


def test_a_lease_never_given_records_nothing(store: Store, intend: Intend) -> None:
    with pytest.raises(LeaseLost):
        store.open_intents([intend()], leases=[Lease(NAME, "a:1", 1, after(30))])
    assert list(store.pending_intents()) == []


def test_a_lease_that_ran_out_still_records_while_nobody_else_had_it(store: Store, intend: Intend) -> None:
    lease, intent = acquired(store, now=after(-3600)), intend()
    store.open_intents([intent], leases=[lease])
    assert list(store.pending_intents()) == [intent]


def test_leases_outlive_the_store_and_tokens_go_on(folder: Path, intend: Callable[..., Intent]) -> None:
    with closing(open_store(folder)) as store:
        old = acquired(store)
    with closing(open_store(folder)) as store:
        assert acquired(store, "b:1").token == 2  # whoever held it closed its store
        with pytest.raises(LeaseLost):
            store.open_intents([intend()], leases=[old])


def test_two_open_stores_exclude_each_other(sql: SqlStore, folder: Path) -> None:
    with closing(open_store(folder)) as other:
        acquired(sql)
        assert other.acquire_lease(NAME, "b:1", 30, NOW) is None
        assert [lease.holder for lease in other.leases("target/", NOW)] == ["a:1"]
        sql.close()
        assert [lease.holder for lease in other.leases("target/", NOW)] == [""]
        assert acquired(other, "b:1").token == 2
    assert (folder / WRITERS).stat().st_mode & 0o777 == 0o600


def test_the_lease_of_a_killed_process_is_free_at_once(sql: SqlStore, folder: Path, start: Start) -> None:
    holder = start("lease", folder, NAME, 3600)
    assert holder.stdout
    assert holder.stdout.readline() == "token 1\n"
    now = datetime.now(UTC)
    assert sql.acquire_lease(NAME, "b:1", 30, now) is None
    holder.kill()
    holder.wait(10)
    assert [lease.holder for lease in sql.leases("target/", now)] == [""]
    assert acquired(sql, "b:1", now=now).token == 2


def test_a_stopped_process_keeps_its_lease_until_it_runs_out(sql: SqlStore, folder: Path, start: Start) -> None:
    holder = start("lease", folder, NAME, 60)
    assert holder.stdout
    assert holder.stdout.readline() == "token 1\n"
    os.kill(holder.pid, signal.SIGSTOP)
    now = datetime.now(UTC)
    assert sql.acquire_lease(NAME, "b:1", 30, now) is None
    assert acquired(sql, "b:1", now=now + timedelta(seconds=61)).token == 2


def test_processes_take_turns(folder: Path, start: Start) -> None:
    workers = [start("contend", folder, NAME, 40) for _ in range(3)]
    tokens: list[int] = []
    for worker in workers:
        told, errors = worker.communicate(timeout=240)
        assert worker.returncode == 0, errors
        own = [int(line) for line in told.split()]
        assert own == sorted(own)
        tokens += own
    assert sorted(tokens) == list(range(1, 121))
    with closing(open_store(folder)) as store:
        assert store.get("number") == 120


def test_a_lease_that_cannot_be_kept_is_a_store_error(sql: SqlStore, make: Callable[..., AuditEvent]) -> None:
    sql.close()
    with pytest.raises(StoreError, match="is closed"):
        sql.acquire_lease(NAME, "a:1", 30, NOW)
    with pytest.raises(StoreError, match="is closed"):
        sql.leases("", NOW)
