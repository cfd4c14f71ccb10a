"""The schedule of the daemon, in this process: jitter, rounds that are late, newer commits while it waits, and bugs."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.daemon import ending
from reconciler.daemon.ending import Ending
from reconciler.daemon.loop import Loop
from reconciler.daemon.metrics import Metrics
from reconciler.daemon.rounds import Round, Watch
from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.io.ids import new_id
from reconciler.pipeline.world import World
from reconciler.ports import Inspection
from tests.pipeline.fleet import Fleet


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, the process of the tests is not ended."""
    monkeypatch.setattr(ending, "STOP_WITHIN", 1000.0)
    monkeypatch.setattr(ending, "HARD_AFTER", 2000.0)


class Log:
    def __getattr__(self, _level: str) -> Callable[..., None]:
        return lambda *_words, **_values: None


class Cluster(DirectoryCluster):
    """Notes when each round begins; ``before`` it is what may go wrong."""

    begun: list[float]
    before: Callable[[], Awaitable[None]]

    async def inspect(self, kinds: Any) -> Inspection:
        self.begun.append(time.monotonic())
        await self.before()
        return await super().inspect(kinds)


async def nothing() -> None:
    pass


@dataclass
class Daemon:
    """A daemon over the one cluster of a fleet, with the real clock."""

    fleet: Fleet
    interval: float | None
    loop: Loop = field(init=False)
    cluster: Cluster = field(init=False)

    def __post_init__(self) -> None:
        fleet = self.fleet
        self.cluster = Cluster("eu", fleet.repo / "live/eu", fleet.repo / "facts/eu", fleet.repo)
        self.cluster.begun, self.cluster.before = [], nothing
        world: World = replace(
            fleet.world(), open_cluster=lambda _: self.cluster, now=lambda: datetime.now(UTC), new_id=new_id
        )
        self.ending = Ending(Log())
        self.loop = Loop(world, Watch(Log(), Metrics()), self.ending, interval=self.interval)

    @property
    def begun(self) -> list[float]:
        return self.cluster.begun

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """The daemon until the scenario is over."""

        async def both() -> None:
            daemon = asyncio.create_task(self.loop.run())
            try:
                async with asyncio.timeout(240):
                    await scenario()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                await daemon

        try:
            asyncio.run(both())
        finally:
            self.ending.over()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 - a round rings no bell
            await asyncio.sleep(0.01)


def test_jitter_spreads_rounds_within_its_bound(fleet: Fleet) -> None:
    daemon = Daemon(fleet, None)

    async def delays(jitter: float) -> list[tuple[float, float]]:
        """Of each delay, the least and the most that it can have been."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(lambda: None, IntervalTrigger(seconds=60), id="round")
        scheduler.start(paused=True)
        found = []
        for _ in range(200):
            before = datetime.now(UTC)
            await daemon.loop._reschedule(scheduler, Round(0, False, interval=60.0, jitter=jitter))
            due = scheduler.get_job("round").next_run_time
            found.append(((due - datetime.now(UTC)).total_seconds(), (due - before).total_seconds()))
        scheduler.shutdown()
        return found

    spread = asyncio.run(delays(20.0))
    assert all(most >= 40 and least <= 80 for least, most in spread)
    assert max(least for least, _ in spread) - min(most for _, most in spread) > 10
    assert all(least <= 60 <= most for least, most in asyncio.run(delays(0.0)))


def test_the_jitter_of_the_document_holds(fleet: Fleet) -> None:
    fleet.settings("{mode: Apply, interval: 1s, jitter: 400ms}")
    fleet.commit("often")
    daemon = Daemon(fleet, None)

    async def scenario() -> None:
        await daemon.until(lambda: len(daemon.begun) >= 7)

    daemon.run(scenario)
    gaps = [after - before for before, after in zip(daemon.begun, daemon.begun[1:], strict=False)]
    assert all(gap > 0.5 for gap in gaps), gaps
    assert max(gaps) - min(gaps) > 0.02


def test_a_round_that_is_late_runs_once(fleet: Fleet) -> None:
    daemon = Daemon(fleet, 4.0)
    ended: list[float] = []

    async def slow() -> None:
        if len(daemon.begun) == 2:
            await asyncio.sleep(8.5)  # two rounds are due meanwhile
            ended.append(time.monotonic())

    daemon.cluster.before = slow

    async def scenario() -> None:
        await daemon.until(lambda: len(daemon.begun) >= 5)

    daemon.run(scenario)
    third, fourth, fifth = daemon.begun[2:5]
    assert third - ended[0] < 3  # at once, not at the next interval
    assert fourth - third > 3.5  # and not again for the other that was due
    assert fifth - fourth > 3.5


def test_a_newer_commit_ends_the_waiting_after_failures(fleet: Fleet) -> None:
    daemon = Daemon(fleet, 0.4)
    broken = True

    async def bug() -> None:
        if broken:
            raise RuntimeError("a bug")

    daemon.cluster.before = bug
    head = ""

    async def scenario() -> None:
        nonlocal broken, head
        await daemon.until(lambda: len(daemon.begun) >= 5)  # after 0.8, 1.6, 3.2 and 6.4 s
        await asyncio.sleep(1)
        assert len(daemon.begun) == 5
        broken = False
        fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 7s}}")
        head = fleet.commit("slower")
        await daemon.until(lambda: len(daemon.begun) >= 6)
        await daemon.until(lambda: bool(fleet.events(type="run.finished")))

    daemon.run(scenario)
    gaps = [after - before for before, after in zip(daemon.begun, daemon.begun[1:], strict=False)]
    assert gaps[1] > 1.2
    assert gaps[2] > 2.6
    assert gaps[3] > 5.4
    assert gaps[4] < 0.9 * 12.8  # what it would have waited for
    assert {event.commit.sha for event in fleet.events(type="object.*") if event.commit} == {head}
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "7s"


def test_a_bug_ends_its_round_is_recorded_and_the_schedule_goes_on(fleet: Fleet) -> None:
    daemon = Daemon(fleet, 0.3)

    async def bug_in_the_second_round() -> None:
        if len(daemon.begun) == 2:
            raise ZeroDivisionError("a bug")

    daemon.cluster.before = bug_in_the_second_round

    async def scenario() -> None:
        await daemon.until(lambda: len(fleet.events(type="run.finished")) >= 3)

    daemon.run(scenario)
    (failed,) = fleet.events(type="run.failed")
    assert "ZeroDivisionError" in failed.error
    assert failed.result == "error"
    kinds = [event.type for event in fleet.events() if event.type.startswith("run.")]
    assert kinds[:3] == ["run.finished", "run.failed", "run.finished"]
    assert fleet.store.verify() == len(fleet.events())
    metrics = daemon.loop.watch.metrics.text().decode()
    assert 'reconciler_rounds_total{result="failed"} 1.0' in metrics


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_rounds_ends_it_at_once(fleet: Fleet, number: int) -> None:
    daemon = Daemon(fleet, 3600)

    async def scenario() -> None:
        await daemon.until(lambda: bool(fleet.events(type="run.finished")))
        os.kill(os.getpid(), number)

    daemon.run(scenario)
    assert len(daemon.begun) == 1
