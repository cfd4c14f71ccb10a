"""The daemon and pull requests: reports by webhook and by asking, kept true, each head once; and trouble with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.daemon.metrics import Metrics
from reconciler.daemon.observing import Around
from reconciler.daemon.reviews import Reviewing, Reviews
from reconciler.daemon.rounds import Round
from reconciler.model.forges import Delivery, Told
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.world import Request
from reconciler.ports.forge import ForgeUnreachable
from tests.pipeline.fleet import Fleet
from tests.pipeline.full_forge import FullForge


@dataclass
class Log:
    said: list[tuple[str, str]] = field(default_factory=list)

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda words, **values: self.said.append((level, f"{words} {values}"))


@dataclass
class Daemon:
    fleet: Fleet
    forge: FullForge = field(default_factory=FullForge)
    log: Log = field(default_factory=Log)
    woken: list[str] = field(default_factory=list)
    reviews: Reviews = field(init=False)

    def __post_init__(self) -> None:
        around = Around(self.fleet.world(), self.log, Metrics(), self.woken.append)
        self.reviews = Reviews(around, Reviewing(self.forge, lambda: "main", every=3600))

    async def round(self) -> None:
        run = await pipeline.apply(self.fleet.world(), Request())
        self.reviews.after(Round(run.code, False, run=run))
        await self.idle()

    async def idle(self) -> None:
        async with asyncio.timeout(60):
            await self.reviews.settled()

    async def deliver(self, told: Told, **more: Any) -> None:
        self.reviews.deliver(Delivery("id", told, "o/r", **{"branch": "main", **more}))
        await self.idle()

    def pull(self, number: int, timeout: str) -> str:
        """An open pull request that changes a timeout; the fleet stays on main."""
        self.fleet.git("checkout", "-q", "-b", f"change-{number}-{timeout}")
        self.fleet.policy("cart", f"{{to: [cart.shop], rule: {{timeout: {timeout}}}}}")
        head = self.fleet.commit(f"to {timeout}")
        self.fleet.git("checkout", "-q", "main")
        self.forge.open_pull(number, head)
        return head

    def body(self, number: int) -> str:
        (comment,) = self.forge.talk[number]
        return comment.body


@pytest.fixture
async def daemon(fleet: Fleet) -> AsyncIterator[Daemon]:
    made = Daemon(fleet)
    await made.reviews.start()
    yield made
    await made.reviews.close(0)
    assert made.forge.closed
    assert not [line for line in made.log.said if line[0] == "exception"]


async def test_an_open_pull_request_is_found_and_reported(daemon: Daemon) -> None:
    head = daemon.pull(1, "2s")
    await daemon.round()
    assert "1 to update" in daemon.body(1)
    assert "+ spec.http[0].timeout: 2s" in daemon.body(1)
    assert {one.context for sha, one in daemon.forge.statuses if sha == head} == {
        "reconciler/plan",
        "reconciler/drift",
    }
    await daemon.round()
    writes, asked = daemon.forge.writes, len(daemon.forge.asked)
    await daemon.round()
    assert daemon.forge.writes == writes
    assert len(daemon.forge.asked) == asked  # nothing moved, so nobody is asked


async def test_a_delivery_reports_at_once_and_a_new_head_anew(daemon: Daemon) -> None:
    await daemon.round()
    daemon.pull(1, "2s")
    await daemon.deliver(Told.PULL_REQUEST, number=1)
    assert "timeout: 2s" in daemon.body(1)
    daemon.pull(1, "4s")
    await daemon.deliver(Told.PULL_REQUEST, number=1)
    assert "timeout: 4s" in daemon.body(1)


async def test_drift_that_comes_is_in_the_report(daemon: Daemon) -> None:
    daemon.fleet.settings("{mode: Report}")
    daemon.fleet.commit("report only")
    daemon.pull(1, "2s")
    await daemon.round()
    assert "0 drifted" not in daemon.body(1)
    daemon.fleet.settings("{mode: Apply, selfHeal: false}")
    daemon.fleet.commit("apply")
    await daemon.round()
    daemon.fleet.edit("VirtualService", "reviews", "3s", "7s")
    await daemon.round()
    assert "1 drifted" in daemon.body(1)
    assert "Drift found now, not caused by this change" in daemon.body(1)


async def test_a_push_to_the_branch_wakes_the_daemon_and_no_other(daemon: Daemon) -> None:
    await daemon.deliver(Told.PUSH, branch="other", head="a" * 40)
    await daemon.deliver(Told.PUSH, branch="", head="a" * 40)
    await daemon.deliver(Told.PING)
    assert not daemon.woken
    await daemon.deliver(Told.PUSH, head="a" * 40)
    assert daemon.woken == ["webhook"]


async def test_pull_requests_to_other_branches_and_closed_ones_are_left_alone(daemon: Daemon) -> None:
    await daemon.round()
    daemon.pull(1, "2s")
    daemon.forge.open_pull(2, daemon.forge.pulls[1].head, "release")
    await daemon.deliver(Told.PULL_REQUEST, number=2, branch="release")
    await daemon.deliver(Told.PULL_REQUEST, number=2)
    await daemon.deliver(Told.PULL_REQUEST, number=1, open=False)
    assert not daemon.forge.talk


async def test_trouble_with_one_does_not_stop_the_others(daemon: Daemon) -> None:
    daemon.forge.open_pull(1, "f" * 40)  # a head that Git does not have
    daemon.pull(2, "2s")
    await daemon.round()
    assert "timeout: 2s" in daemon.body(2)
    assert 1 not in daemon.forge.talk
    assert [line for line in daemon.log.said if line[0] == "warning"]


async def test_a_forge_that_was_down_is_asked_again(daemon: Daemon) -> None:
    daemon.pull(1, "2s")
    daemon.forge.refuse = {"pull_requests": ForgeUnreachable("down")}
    await daemon.round()
    assert not daemon.forge.talk
    daemon.forge.refuse = {}
    daemon.reviews.look()
    await daemon.idle()
    assert "timeout: 2s" in daemon.body(1)


async def test_what_was_merged_is_told(daemon: Daemon) -> None:
    await daemon.round()
    head = daemon.pull(1, "2s")
    daemon.fleet.git("merge", "-q", "--ff-only", head)
    daemon.forge.merged[head] = [1]
    await daemon.round()
    assert any("Applied on 1 target" in one.body for one in daemon.forge.talk[1])
