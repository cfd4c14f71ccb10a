"""One writer per target: what a run does when another one holds it, takes it over, or wrote while it looked."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model import clusters
from reconciler.model.events import Actor
from reconciler.model.leases import Lease
from reconciler.model.plans import ApplyResult, Outcome
from reconciler.model.refs import TargetId
from reconciler.pipeline import run as pipeline
from reconciler.pipeline import state
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import Request, World
from reconciler.ports import Listing, StoreError, Written
from tests.pipeline.fleet import Fleet, codes, rows

EU = "target/eu/mesh"
OBJECTS = 40


def hold(fleet: Fleet, name: str = EU, seconds: float = 30) -> Lease:
    lease = fleet.store.acquire_lease(name, "other:9", seconds, fleet.at)
    assert lease is not None
    return lease


def told(run: Run) -> list[str]:
    return [f"{f.target}: {f.message}" for f in run.planned.findings if f.code == "held-elsewhere"]


def test_target_of_another_writer_is_left_and_the_rest_goes_on(two: Fleet) -> None:
    lease = hold(two)
    run = two.apply()
    assert rows(run) == {"eu/mesh": {"skipped": 3}, "us/mesh": {"changed": 3}}
    assert run.code == 2
    assert two.live("eu") == {}
    assert told(run) == ["eu/mesh: other:9 (lease until 2026-11-21T12:00:30Z) is writing to it"]
    messages = {result.message for result in run.results if result.outcome is Outcome.SKIPPED}
    assert messages == {"other:9 (lease until 2026-11-21T12:00:30Z) is writing to it"}
    assert state.applied_to(two.store, TargetId("eu", "mesh")) is None
    assert state.applied_to(two.store, TargetId("us", "mesh")) is not None
    assert state.accepted_revision(two.store) == ""
    two.store.release_lease(lease)
    assert rows(two.apply()) == {"eu/mesh": {"changed": 3}, "us/mesh": {"ok": 3}}
    assert state.accepted_revision(two.store) == two.git("rev-parse", "HEAD")


def test_drift_on_the_target_of_another_writer_is_left_to_it(fleet: Fleet) -> None:
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    lease = hold(fleet)
    assert rows(fleet.apply())["eu/mesh"]["skipped"] == 1
    assert fleet.events(type="drift.*") == []
    fleet.store.release_lease(lease)
    fleet.apply()
    assert [event.type for event in fleet.events(type="drift.*")] == ["drift.detected", "drift.ended"]


def test_what_does_not_write_takes_no_lease(fleet: Fleet) -> None:
    fleet.plan()
    fleet.settings("{mode: Report}")
    fleet.commit("report")
    fleet.apply()
    assert fleet.store.leases("", fleet.at) == []
    fleet.settings("{mode: Apply}")
    fleet.commit("apply")
    fleet.apply()
    fleet.apply()
    assert fleet.store.leases("", fleet.at) == [Lease(EU, "", 1, fleet.store.leases("", fleet.at)[0].until)]


def test_plan_and_report_do_not_mind_a_lease(fleet: Fleet) -> None:
    hold(fleet)
    plan = fleet.plan()
    assert (plan.code, told(plan)) == (2, [])
    fleet.settings("{mode: Report}")
    fleet.commit("report")
    assert told(fleet.apply()) == []


def test_each_change_is_recorded_with_the_token_it_was_written_under(fleet: Fleet) -> None:
    fleet.store.release_lease(hold(fleet))
    fleet.apply()
    fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    fleet.apply()
    tokens = [event.details["lease"] for event in fleet.events(type="object.*")]
    assert tokens == [2, 2, 2, 3]
    assert fleet.store.lease_holder(EU) is None


def test_lease_that_ran_out_is_taken_over(fleet: Fleet) -> None:
    hold(fleet, seconds=0.001)
    fleet.at += timedelta(seconds=1)
    assert rows(fleet.apply()) == {"eu/mesh": {"changed": 3}}


class Hooked(DirectoryCluster):
    """A directory cluster that does something after each listing, and before and after each write."""

    listed: Callable[[], None] = staticmethod(lambda: None)
    writes: int = 0

    async def list_objects(self, kinds: Any) -> Listing:
        listing = await super().list_objects(kinds)
        await asyncio.to_thread(self.listed)
        return listing

    async def apply(self, body: Mapping[str, Any], kind: Any, *, force: bool) -> Written:
        await self.before_write()
        written = await super().apply(body, kind, force=force)
        self.writes += 1
        await self.after_write()
        return written

    async def before_write(self) -> None:
        pass

    async def after_write(self) -> None:
        pass


def add(fleet: Fleet, every: int) -> int:
    """So many policies that each make one object."""
    for number in range(every):
        fleet.policy(f"s{number:02}", f"{{to: [s{number:02}.shop], rule: {{timeout: 1s}}}}")
    fleet.commit(f"{every} objects")
    return every


@pytest.fixture
def many(fleet: Fleet) -> Fleet:
    """One cluster, forty policies that each make one object, and a lease of a second."""
    for name in ("reviews", "cart"):
        fleet.remove(f"policies/{name}.yaml")
    add(fleet, OBJECTS)
    directory = {"directory": {"path": "live/eu", "facts": "facts/eu"}}
    fleet.cluster("eu", directory, limits={"timeout": "100ms"})
    fleet.commit("many")
    return fleet


def hooked(fleet: Fleet, cluster_type: type[Hooked], shortest: float = 0.6) -> tuple[World, Hooked]:
    """A world with the real clock and one cluster of that type."""
    cluster = cluster_type("eu", fleet.repo / "live/eu", fleet.repo / "facts/eu", fleet.repo)

    def opened(_document: clusters.Cluster) -> Hooked:
        return cluster

    world = replace(
        fleet.world(), open_cluster=opened, now=lambda: datetime.now(UTC), shortest_lease=shortest,
        actor=Actor("first:1", "ada", "test"),
    )  # fmt: skip
    return world, cluster


def created(fleet: Fleet) -> Counter[str]:
    return Counter(str(event.object) for event in fleet.events(type="object.created", cluster="eu"))


def everything_is_written_and_recorded_once(fleet: Fleet, every: int = OBJECTS) -> None:
    assert fleet.store.pending_intents() == []
    assert len(fleet.live()) == every
    assert set(created(fleet).values()) == {1}
    assert len(created(fleet)) == every
    assert fleet.store.verify() == len(fleet.events())


def test_plan_made_while_another_run_wrote_is_not_written(fleet: Fleet) -> None:
    world, cluster = hooked(fleet, Hooked, shortest=30)
    before = fleet.git("rev-parse", "HEAD")

    def another_run() -> None:
        cluster.listed = lambda: None
        fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 9s}}")
        fleet.commit("newer")
        other = replace(world, actor=Actor("second:2", "ada", "test"))
        assert asyncio.run(pipeline.apply(other, Request())).code == 0

    cluster.listed = another_run
    run = asyncio.run(pipeline.apply(world, Request()))
    assert run.planned.prepared.commit.sha == before
    assert rows(run) == {"eu/mesh": {"skipped": 3}}, [t.error for t in run.planned.plan.targets]
    assert told(run) == ["eu/mesh: another run wrote to it since this one looked"]
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "9s"
    assert len(fleet.events(type="object.*")) == 3
    newer = fleet.git("rev-parse", "HEAD")
    assert state.applied_to(fleet.store, TargetId("eu", "mesh")) == state.Applied(newer, guards=newer)
    assert state.accepted_revision(fleet.store) == newer
    assert rows(asyncio.run(pipeline.apply(world, Request()))) == {"eu/mesh": {"ok": 3}}


def test_plan_made_while_another_run_was_still_writing_is_not_written(fleet: Fleet) -> None:
    world, cluster = hooked(fleet, Hooked, shortest=30)
    lease = fleet.store.acquire_lease(EU, "second:2", 30, datetime.now(UTC))
    assert lease
    cluster.listed = lambda: fleet.store.release_lease(lease)
    run = asyncio.run(pipeline.apply(world, Request()))
    assert rows(run) == {"eu/mesh": {"skipped": 3}}
    assert "was writing to it while this run looked" in told(run)[0]
    assert rows(asyncio.run(pipeline.apply(world, Request()))) == {"eu/mesh": {"changed": 3}}


class TakenOver(Hooked):
    """After the tenth write another writer takes over, as if the lease had run out unnoticed."""

    take_over: Callable[[], None] = staticmethod(lambda: None)

    async def after_write(self) -> None:
        if self.writes == 10:
            await asyncio.to_thread(self.take_over)


def test_run_that_lost_its_lease_stops_and_the_next_completes_the_record(many: Fleet) -> None:
    """It sees so when it next records what it has done, which it does after some writes or a fifth of a second."""
    every = add(many, 200)
    world, cluster = hooked(many, TakenOver, shortest=30)
    assert isinstance(cluster, TakenOver)
    later = datetime.now(UTC) + timedelta(hours=1)
    taken: list[Lease | None] = []
    cluster.take_over = lambda: taken.append(many.store.acquire_lease(EU, "other:9", 30, later))
    run = asyncio.run(pipeline.apply(world, Request()))
    changed = rows(run)["eu/mesh"]["changed"]
    assert 10 <= changed < every - 40
    assert rows(run) == {"eu/mesh": {"changed": changed, "skipped": every - changed}}
    assert run.code == 2
    assert "other:9 took over" in told(run)[0]
    assert {"other:9 took over" in r.message for r in run.results if r.outcome is Outcome.SKIPPED} == {True}
    early = created(many)  # recorded before it was taken over: on a slow machine some are
    assert set(early.values()) <= {1}
    announced = len(many.store.pending_intents())
    assert announced >= changed - len(early)
    assert state.applied_to(many.store, TargetId("eu", "mesh")) is None
    [lease] = taken
    assert lease
    many.store.release_lease(lease)
    world, cluster = hooked(many, Hooked, shortest=30)
    run = asyncio.run(pipeline.apply(world, Request()))
    assert (run.recovered, rows(run)) == (announced, {"eu/mesh": {"ok": changed, "changed": every - changed}})
    everything_is_written_and_recorded_once(many, every)


class Slow(Hooked):
    """A write takes a fifth of a second, one after the other."""

    async def before_write(self) -> None:
        self.gate: asyncio.Lock = getattr(self, "gate", None) or asyncio.Lock()
        async with self.gate:
            await asyncio.sleep(0.2)


def test_lease_is_kept_while_the_run_writes(many: Fleet) -> None:
    """Forty writes take twice as long as a lease; another writer asks for it all the time."""
    world, _ = hooked(many, Slow, shortest=4)
    done = threading.Event()
    asked: list[Lease | None] = []

    def ask() -> None:
        while not many.store.lease_holder(EU):
            done.wait(0.01)
        while not done.wait(0.05) and not (asked and asked[-1]) and many.store.lease_holder(EU):
            asked.append(many.store.acquire_lease(EU, "other:9", 30, datetime.now(UTC)))

    asking = threading.Thread(target=ask)
    asking.start()
    run = asyncio.run(pipeline.apply(world, Request()))
    done.set()
    asking.join()
    assert rows(run) == {"eu/mesh": {"changed": OBJECTS}}
    assert len(asked) > 20
    assert set(asked[:-1]) == {None}
    everything_is_written_and_recorded_once(many)


def test_run_that_cannot_renew_stops_before_its_lease_runs_out(many: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object) -> None:
        raise StoreError("the disk is full")

    world, cluster = hooked(many, Slow)
    monkeypatch.setattr(many.store, "renew_lease", full)
    run = asyncio.run(pipeline.apply(world, Request()))
    monkeypatch.undo()
    assert cluster.writes < 8
    assert rows(run)["eu/mesh"] == {"changed": cluster.writes, "skipped": OBJECTS - cluster.writes}
    assert "ran out at" in told(run)[0]
    assert "the disk is full" in told(run)[0]
    assert len(created(many)) == cluster.writes
    assert len(many.store.pending_intents()) == 16  # those in hand; what had not begun is known to be undone
    world, _ = hooked(many, Hooked, shortest=30)
    assert asyncio.run(pipeline.apply(world, Request())).code == 0
    everything_is_written_and_recorded_once(many)


class SuspendedHost(Hooked):
    """In the middle of the run the wall clock is an hour later, which the event loop's clock has not seen."""

    clock: timedelta = timedelta()

    async def after_write(self) -> None:
        if self.writes == 16:
            self.clock = timedelta(hours=1)


def test_host_that_was_suspended_does_not_go_on_writing(many: Fleet) -> None:
    world, cluster = hooked(many, SuspendedHost, shortest=30)
    assert isinstance(cluster, SuspendedHost)
    world = replace(world, now=lambda: datetime.now(UTC) + cluster.clock)
    run = asyncio.run(pipeline.apply(world, Request()))
    assert cluster.writes == 16
    assert rows(run)["eu/mesh"] == {"changed": 16, "skipped": 24}
    assert "was not renewed in time" in told(run)[0]


def test_stop_is_not_success(fleet: Fleet) -> None:
    assert fleet.apply(stop=lambda: True).code == 2


def test_record_of_a_live_run_is_not_completed_by_another(many: Fleet) -> None:
    world, _ = hooked(many, Slow, shortest=30)
    others: list[Run] = []

    def beside() -> None:
        other = replace(world, open_cluster=many.world().open_cluster, actor=Actor("second:2", "ada", "test"))
        others.append(asyncio.run(pipeline.apply(other, Request())))

    def progress(_result: ApplyResult) -> None:
        nonlocal asking
        if asking is None:
            asking = threading.Thread(target=beside)
            asking.start()

    asking: threading.Thread | None = None
    run = asyncio.run(pipeline.apply(world, Request(), progress=progress))
    assert asking is not None
    asking.join()
    assert rows(run) == {"eu/mesh": {"changed": OBJECTS}}
    [other] = others
    assert other.recovered == 0
    assert rows(other)["eu/mesh"]["skipped"] > 0
    assert codes(other) >= {"held-elsewhere"}
    head = many.git("rev-parse", "HEAD")
    assert state.applied_to(many.store, TargetId("eu", "mesh")) == state.Applied(head, guards=head)
    everything_is_written_and_recorded_once(many)
