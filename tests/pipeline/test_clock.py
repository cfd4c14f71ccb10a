"""The wall clock jumps by days, between runs and within one: no false drift, and the record keeps its order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.pipeline import run as pipeline
from reconciler.pipeline.pausing import pause
from reconciler.pipeline.world import Request
from tests.pipeline.fleet import Fleet, rows

DAYS = timedelta(days=3)
JUMPS = pytest.mark.parametrize("jump", [DAYS, -DAYS], ids=["forwards", "backwards"])


def in_order(fleet: Fleet) -> None:
    stored = list(fleet.store.events())
    assert [each.seq for each in stored] == list(range(1, len(stored) + 1))
    assert fleet.store.verify() == len(stored)
    assert fleet.store.pending_intents() == []


@JUMPS
def test_between_runs(fleet: Fleet, jump: timedelta) -> None:
    fleet.apply()
    fleet.at += jump
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 3}}
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("two")
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2, "changed": 1}}
    fleet.at -= 2 * jump
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 3}}
    assert fleet.events(type="drift.*") == []
    in_order(fleet)


@JUMPS
@pytest.mark.parametrize("tick", range(1, 12, 2))
def test_during_a_run(fleet: Fleet, jump: timedelta, tick: int) -> None:
    """Forwards, the lease is over by all that can be known; the run stops, and the next one does the rest."""
    ticks = iter(range(1, 1000))

    def now() -> datetime:
        if next(ticks) == tick:
            fleet.at += jump
        return fleet._now()

    run = asyncio.run(pipeline.apply(replace(fleet.world(), now=now), Request()))
    assert set(rows(run)["eu/mesh"]) <= {"changed", "skipped"}
    if jump < timedelta(0):
        assert rows(run) == {"eu/mesh": {"changed": 3}}
    assert fleet.apply().code == 0
    assert len(fleet.live()) == 3
    written = [str(event.object) for event in fleet.events(type="object.*")]
    assert sorted(written) == sorted(set(written))
    assert len(written) == 3
    assert fleet.events(type="drift.*") == []
    in_order(fleet)


def test_a_pause_outlives_a_clock_that_jumped_and_came_back(fleet: Fleet) -> None:
    pause(fleet.world(), "all", "release", timedelta(hours=2))
    fleet.at -= DAYS
    assert rows(fleet.apply()) == {"eu/mesh": {"skipped": 3}}
    fleet.at += DAYS
    assert rows(fleet.apply()) == {"eu/mesh": {"skipped": 3}}
    fleet.at += timedelta(hours=2)
    assert rows(fleet.apply()) == {"eu/mesh": {"changed": 3}}
    in_order(fleet)


@JUMPS
def test_a_lease_that_was_left_behind_holds_nobody_up(fleet: Fleet, jump: timedelta) -> None:
    left = fleet.store.acquire_lease("target/eu/mesh", "gone:1", 30.0, fleet.at)
    assert left is not None
    other = fleet.at + jump
    assert fleet.store.acquire_lease("target/eu/mesh", "us:1", 30.0, other) is None or jump > timedelta(0)
    taken = fleet.store.acquire_lease("target/eu/mesh", "us:2", 30.0, other + timedelta(seconds=31))
    assert taken is not None
    assert taken.token > left.token
