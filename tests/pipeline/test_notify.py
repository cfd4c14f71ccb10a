"""Notifications of whole runs: once per change, nothing lost while a channel is down, each to whom it concerns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from reconciler.model.events import StoredEvent
from reconciler.model.notices import Notice, Weight
from reconciler.pipeline.notify import Served, bookmarks, notify
from reconciler.pipeline.outcome import Run
from reconciler.ports.channels import ChannelError
from reconciler.report.events import stored_event
from tests.pipeline.fleet import Fleet

ROUTES = """
  mode: Apply
  notify:
    - {to: oncall}
    - {name: everything, to: bus, on: [changes, failures, drift, operations]}
"""


@dataclass
class Outlet:
    """Keeps what it gets; ``takes`` events before it fails, None for all."""

    takes: int | None = None
    notices: list[Notice] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    async def send(self, notice: Notice, events: Sequence[StoredEvent]) -> None:
        taken = events if self.takes is None else events[: self.takes]
        self.types += [stored_event(one).type for one in taken]
        if self.takes is not None:
            raise ChannelError("down", len(taken))
        self.notices.append(notice)

    async def close(self) -> None: ...


@dataclass
class Told:
    fleet: Fleet
    oncall: Outlet = field(default_factory=Outlet)
    bus: Outlet = field(default_factory=Outlet)

    def after(self, run: Run) -> tuple[Served, ...]:
        assert run.planned.desired is not None
        channels = {"oncall": self.oncall, "bus": self.bus}
        return asyncio.run(notify(self.fleet.store, run.planned.desired, channels, "repo", "2026-11-21T12:00:00Z"))

    def round(self) -> tuple[Served, ...]:
        return self.after(self.fleet.apply())


@pytest.fixture
def told(fleet: Fleet) -> Told:
    """After a first round, which only begins the routes."""
    fleet.settings(ROUTES.replace("\n", "\n  "))
    fleet.commit("tell")
    made = Told(fleet)
    made.round()
    assert not made.oncall.notices
    assert not made.bus.types
    return made


def test_drift_that_is_healed_is_told_once(told: Told) -> None:
    told.fleet.edit("VirtualService", "reviews", "3s", "7s")
    told.round()
    told.round()
    told.round()
    assert [notice.title for notice in told.oncall.notices] == ["Mesh: 1 drifted, 1 drift ended in eu"]
    assert "VirtualService shop/reviews" in told.oncall.notices[0].body
    assert told.oncall.notices[0].weight is Weight.WARNING
    assert told.bus.types == ["drift.detected", "object.updated", "drift.ended"]


def test_a_change_is_for_those_who_asked_for_changes(told: Told) -> None:
    told.fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    told.fleet.commit("slower")
    served = told.round()
    assert {one.route.name: one.told for one in served} == {"oncall": 0, "everything": 1}
    assert not told.oncall.notices
    assert told.bus.notices[0].title == "Mesh: 1 updated in eu"
    assert "slower" in told.bus.notices[0].body
    assert "policies/cart.yaml:" in told.bus.notices[0].body


def test_what_a_channel_does_not_take_comes_with_the_next_round(told: Told) -> None:
    told.oncall.takes, told.bus.takes = 0, 1
    told.fleet.edit("VirtualService", "reviews", "3s", "7s")
    served = told.round()
    assert [(one.told, one.error) for one in served] == [(0, "down"), (1, "down")]
    assert bookmarks(told.fleet.store)["oncall"]["error"] == "down"
    told.oncall.takes = told.bus.takes = None
    told.round()
    assert [notice.title for notice in told.oncall.notices] == ["Mesh: 1 drifted, 1 drift ended in eu"]
    assert told.bus.types == ["drift.detected", "object.updated", "drift.ended"]
    assert not bookmarks(told.fleet.store)["oncall"]["error"]


def test_a_failure_that_lasts_is_told_once(told: Told) -> None:
    told.fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    told.fleet.commit("change")
    place = told.fleet.live_path("VirtualService", "cart")
    kept = place.read_text()
    place.unlink()
    place.mkdir()  # where the file is to be, so no write can succeed
    for _ in range(3):
        told.round()
    assert [(one.title, one.weight) for one in told.oncall.notices] == [
        ("Mesh: 1 drifted, 1 failed in eu", Weight.ERROR)
    ]
    place.rmdir()
    place.write_text(kept)
    told.round()
    told.round()
    assert [one.title for one in told.oncall.notices[1:]] == ["Mesh: 1 drift ended in eu"]
    assert told.fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "2s"


def test_an_unknown_channel_is_said_and_loses_nothing(told: Told) -> None:
    told.fleet.edit("VirtualService", "reviews", "3s", "7s")
    run = told.fleet.apply()
    assert run.planned.desired is not None
    served = asyncio.run(notify(told.fleet.store, run.planned.desired, {}, "repo", "now"))
    assert "no channel `oncall`" in served[0].error
    told.round()
    assert len(told.oncall.notices) == 1


def test_a_route_that_left_git_is_forgotten(told: Told) -> None:
    told.fleet.settings("{mode: Apply}")
    told.fleet.commit("tell nobody")
    assert set(bookmarks(told.fleet.store)) == {"oncall", "everything"}
    told.round()
    assert not bookmarks(told.fleet.store)


def test_a_route_for_some_targets(two: Fleet) -> None:
    two.settings("{mode: Apply, notify: [{to: oncall, limit: us}]}")
    two.commit("tell")
    told = Told(two)
    told.round()
    two.edit("VirtualService", "reviews", "3s", "7s", "eu")
    told.round()
    assert not told.oncall.notices
    two.edit("VirtualService", "reviews", "3s", "7s", "us")
    told.round()
    assert [notice.title for notice in told.oncall.notices] == ["Mesh: 1 drifted, 1 drift ended in us"]


def test_a_pattern_that_means_nothing_takes_all_and_is_found(two: Fleet) -> None:
    two.settings("{mode: Apply, notify: [{to: oncall, limit: nowhere}]}")
    two.commit("tell")
    told = Told(two)
    run = two.apply()
    told.after(run)
    assert [str(f.severity) for f in run.planned.findings if f.code == "unknown-pattern"] == ["warning"]
    two.edit("VirtualService", "reviews", "3s", "7s", "eu")
    told.round()
    assert len(told.oncall.notices) == 1
