"""A sick cluster and healthy ones in one run: what the others get, what is said of the sick one, how it comes back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.clusters import open_cluster
from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.io.ids import new_id
from reconciler.io.kube import transport
from reconciler.load import load
from reconciler.model import clusters
from reconciler.pipeline import breaker, flow
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.breaker import Breakers
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import Request, World
from reconciler.ports import Inspection, Listing, StoreError, Throttled, Written
from reconciler.report.paint import plain
from reconciler.report.status_text import status_text
from tests.kube.control_plane import ApiServer
from tests.kube.faults import FaultProxy
from tests.kube.stub import Answer, Asked, StubServer
from tests.pipeline.fleet import FACTS, Fleet, codes, rows, service


class Sick(DirectoryCluster):
    """A directory cluster whose reading, listing or writing waits for ``go``; each begins with ``asked``."""

    stuck: frozenset[str] = frozenset()
    go: asyncio.Event
    asked: list[str]

    async def _gate(self, what: str) -> None:
        self.asked.append(what)
        if what in self.stuck:
            await self.go.wait()

    async def inspect(self, kinds: Any) -> Inspection:
        await self._gate("inspect")
        return await super().inspect(kinds)

    async def list_objects(self, kinds: Any) -> Listing:
        await self._gate("list")
        return await super().list_objects(kinds)

    async def apply(self, body: Mapping[str, Any], kind: Any, *, force: bool) -> Written:
        await self._gate("write")
        return await super().apply(body, kind, force=force)


def sick_world(fleet: Fleet, *stuck: str) -> tuple[World, Sick]:
    """A daemon's world with the real clock; ``eu`` hangs in these."""
    cluster = Sick("eu", fleet.repo / "live/eu", fleet.repo / "facts/eu", fleet.repo)
    cluster.stuck, cluster.go, cluster.asked = frozenset(stuck), asyncio.Event(), []

    def opened(document: clusters.Cluster) -> Any:
        return cluster if document.name == "eu" else open_cluster(document, fleet.repo)

    return replace(remembering(fleet), open_cluster=opened), cluster


def documents_of(fleet: Fleet, world: World) -> Mapping[str, clusters.Cluster]:
    desired, _ = load(world.source.tree(world.source.fetch()), tuple(world.adapters))
    assert desired is not None
    return desired.clusters


def remembering(fleet: Fleet) -> World:
    def now() -> datetime:
        return datetime.now(UTC)

    return replace(fleet.world(), now=now, new_id=new_id, breakers=Breakers(now, lambda: 0.5))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait some seconds for one that is late."""
    monkeypatch.setattr(breaker, "UNKNOWN_PACE", 2.5)
    monkeypatch.setattr(breaker, "SHORTEST_PATIENCE", 2.5)


def in_time(work: Callable[[], Awaitable[Run]], seconds: float = 240) -> Run:
    async def bounded() -> Run:
        async with asyncio.timeout(seconds):
            return await work()

    return asyncio.run(bounded())


@pytest.mark.usefixtures("impatient")
class TestLate:
    @pytest.mark.parametrize("stage", ["inspect", "list"])
    def test_others_are_applied_without_it_and_it_is_not_asked_again(self, two: Fleet, stage: str) -> None:
        world, cluster = sick_world(two, stage)
        run = in_time(lambda: pipeline.apply(world, Request()))
        assert (run.code, rows(run)) == (4, {"eu/mesh": {"late": 1}, "us/mesh": {"changed": 3}})
        assert len(two.live("us")) == 3
        (error,) = [target.error for target in run.planned.plan.targets if target.error]
        assert re.fullmatch(r"late: .* took longer than \d+\.\d s, .* it goes on beside them", error)
        cluster.asked.clear()
        again = in_time(lambda: pipeline.apply(world, Request()))
        assert rows(again) == {"eu/mesh": {"late": 1}, "us/mesh": {"ok": 3}}
        assert cluster.asked == []
        (error,) = [target.error for target in again.planned.plan.targets if target.error]
        assert "so since" in error
        assert "being tried now" in error

    def test_its_writes_go_on_beside_under_its_lease_and_are_recorded(self, two: Fleet) -> None:
        world, cluster = sick_world(two, "write")

        async def scenario() -> tuple[Run, Run]:
            run = await pipeline.apply(world, Request())
            leased = two.store.lease_holder("target/eu/mesh")
            assert leased
            assert leased.holder == world.actor.instance
            meanwhile = await pipeline.apply(world, Request())
            assert two.live("eu") == {}
            cluster.go.set()
            await asyncio.gather(*world.beside.values())
            return run, meanwhile

        run, meanwhile = asyncio.run(asyncio.wait_for(scenario(), 240))
        assert rows(run) == {"eu/mesh": {"skipped": 3}, "us/mesh": {"changed": 3}}
        assert "late" in codes(run)
        assert "held-elsewhere" not in codes(run)
        assert rows(meanwhile) == {"eu/mesh": {"late": 1}, "us/mesh": {"ok": 3}}
        # the first wave was in hand; what comes after it waits for the next run there
        assert list(two.live("eu")) == ["DestinationRule reviews"]
        assert [str(e.object) for e in two.events(run=run.id, cluster="eu", type="object.*")] == [
            "DestinationRule shop/reviews"
        ]
        assert two.store.pending_intents() == []
        assert two.store.lease_holder("target/eu/mesh") is None
        assert two.store.verify() == len(two.events())
        alone = in_time(lambda: pipeline.apply(world, Request(beside="eu")))
        assert (alone.code, rows(alone)) == (0, {"eu/mesh": {"ok": 1, "changed": 2}})

    def test_it_begins_nothing_new_once_it_is_late(self, two: Fleet) -> None:
        for number in range(40):
            two.policy(f"s{number:02}", f"{{to: [s{number:02}.shop], rule: {{timeout: 1s}}}}")
        two.commit("many")
        world, cluster = sick_world(two, "write")

        async def scenario() -> Run:
            run = await pipeline.apply(world, Request())
            begun = cluster.asked.count("write")
            cluster.go.set()
            await asyncio.gather(*world.beside.values())
            assert cluster.asked.count("write") == begun
            return run

        run = asyncio.run(asyncio.wait_for(scenario(), 240))
        written = two.events(cluster="eu", type="object.*")
        assert 0 < len(written) < 43
        assert len(two.live("eu")) == len(written)
        rest = in_time(lambda: pipeline.apply(world, Request(beside="eu")))
        assert rest.code == 0
        assert len(two.live("eu")) == len(two.live("us")) == 43
        assert len({str(event.object) for event in two.events(cluster="eu", type="object.*")}) == 43
        assert run.code == 2

    def test_a_round_of_its_own_takes_as_long_as_it_takes(self, two: Fleet) -> None:
        world, cluster = sick_world(two, "write")

        async def scenario() -> Run:
            asyncio.get_running_loop().call_later(5, cluster.go.set)
            return await pipeline.apply(world, Request(beside="eu"))

        run = in_time(scenario)
        assert (run.code, rows(run)) == (0, {"eu/mesh": {"changed": 3}})

    def test_nobody_is_late_while_most_are(self, two: Fleet) -> None:
        """Trouble of everybody is trouble of ours: nobody is given up before its time limit."""
        two.settings("{mode: Apply, limits: {timeout: 5s}}")
        two.commit("short")
        world, cluster = sick_world(two, "inspect")
        opener = world.open_cluster
        world = replace(world, open_cluster=lambda d: cluster if d.name == "us" else opener(d))
        run = in_time(lambda: pipeline.apply(world, Request()))
        errors = [target.error for target in run.planned.plan.targets]
        assert [error.split(" (")[0] for error in errors] == ["no answer within 5 s"] * 2


SLOWER = "{to: [cart.shop], rule: {timeout: 7s}}"


def slowed(fleet: Fleet, cluster: str) -> bool:
    """Whether the change to ``SLOWER`` is there."""
    http = fleet.live(cluster)["VirtualService cart"]["spec"]["http"]
    return bool(http[0]["timeout"] == "7s")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(240):
        while not holds():  # noqa: ASYNC110 - what happens in a folder rings no bell
            await asyncio.sleep(0.02)


class TestOnItsOwnPath:
    @pytest.mark.parametrize("stage", ["inspect", "list"])
    def test_others_are_written_while_one_is_still_read(
        self, two: Fleet, stage: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(breaker, "SHORTEST_PATIENCE", 60)
        world, cluster = sick_world(two)
        in_time(lambda: pipeline.apply(world, Request()))
        two.policy("cart", SLOWER)
        head = two.commit("slower")
        cluster.stuck = frozenset({stage})

        async def scenario() -> Run:
            round_ = asyncio.create_task(pipeline.apply(world, Request()))
            await until(lambda: slowed(two, "us"))
            assert not round_.done()
            assert not slowed(two, "eu")
            cluster.go.set()
            return await round_

        run = in_time(scenario)
        assert (run.code, rows(run)) == (0, {name: {"changed": 1, "ok": 2} for name in ("eu/mesh", "us/mesh")})
        assert slowed(two, "eu")
        assert [str(event.target) for event in two.events(run=run.id, type="object.*")] == ["us/mesh", "eu/mesh"]
        assert two.store.get("accepted") == {"revision": head}
        assert len(two.events(run=run.id, type="run.finished")) == 1
        assert two.store.verify() == len(two.events())
        assert rows(in_time(lambda: pipeline.apply(world, Request()))) == {
            name: {"ok": 3} for name in ("eu/mesh", "us/mesh")
        }

    def test_a_late_one_is_planned_from_what_it_is_now(self, two: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(breaker, "SHORTEST_PATIENCE", 60)
        world, cluster = sick_world(two)
        in_time(lambda: pipeline.apply(world, Request()))
        two.facts("eu", [*FACTS, service("extra")])
        two.policy("extra", "{to: [extra.shop], rule: {timeout: 1s}}")
        two.commit("extra")
        cluster.stuck = frozenset({"inspect"})

        async def scenario() -> Run:
            asyncio.get_running_loop().call_later(1, cluster.go.set)
            return await pipeline.apply(world, Request())

        run = in_time(scenario)
        assert run.planned.facts.clusters["eu"].service("extra", "shop")
        assert run.planned.facts.stale == frozenset()
        assert rows(run)["eu/mesh"]["changed"] == 1

    def test_one_that_was_never_read_is_waited_for(self, two: Fleet) -> None:
        world, cluster = sick_world(two, "inspect")

        async def scenario() -> Run:
            round_ = asyncio.create_task(pipeline.apply(world, Request()))
            await asyncio.sleep(1)
            assert two.live("us") == {}
            cluster.go.set()
            return await round_

        assert rows(in_time(scenario)) == {"eu/mesh": {"changed": 3}, "us/mesh": {"changed": 3}}

    def test_one_that_fails_later_says_why(self, two: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(breaker, "SHORTEST_PATIENCE", 60)
        two.settings("{mode: Apply, limits: {timeout: 5s}}")
        two.commit("short")
        world, cluster = sick_world(two)
        in_time(lambda: pipeline.apply(world, Request()))
        cluster.stuck = frozenset({"list"})
        run = in_time(lambda: pipeline.apply(world, Request()))
        assert (run.code, rows(run)) == (4, {"eu/mesh": {"unreachable": 1}, "us/mesh": {"ok": 3}})
        (error,) = [target.error for target in run.planned.plan.targets if target.error]
        assert error == "not read within 5 s (limits.timeout)"
        assert two.store.get("accepted")

    def test_a_stop_does_not_wait_for_it(self, two: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(breaker, "SHORTEST_PATIENCE", 3000)
        two.settings("{mode: Apply, limits: {timeout: 3000s}}")
        two.commit("patient")
        world, cluster = sick_world(two)
        in_time(lambda: pipeline.apply(world, Request()))
        cluster.stuck = frozenset({"list"})
        run = in_time(lambda: pipeline.apply(world, Request(), stop=lambda: True))
        assert rows(run) == {"eu/mesh": {"unreachable": 1}, "us/mesh": {"ok": 3}}
        assert world.breakers is not None
        assert world.breakers.open() == {}

    def test_a_store_that_fails_ends_the_run_and_nothing_goes_on(
        self, two: Fleet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world, cluster = sick_world(two)
        in_time(lambda: pipeline.apply(world, Request()))
        two.policy("cart", SLOWER)
        two.commit("slower")
        cluster.stuck = frozenset({"list"})

        class Full(type(two.store)):  # type: ignore[misc]
            def open_intents(self, *_arguments: Any) -> None:
                raise StoreError("disk full")

        monkeypatch.setattr(two.store, "__class__", Full)

        async def scenario() -> int:
            async with asyncio.timeout(240):
                with pytest.raises(StoreError, match="disk full"):
                    await pipeline.apply(world, Request())
            return len(asyncio.all_tasks() - {asyncio.current_task()})

        assert asyncio.run(scenario()) == 0
        assert not slowed(two, "us")


def test_status_keeps_what_its_own_round_found(two: Fleet) -> None:
    world, _ = sick_world(two)
    in_time(lambda: pipeline.apply(world, Request()))
    assert world.breakers is not None
    eu = documents_of(two, world)["eu"]
    world.breakers.late(eu, "late: reading it took longer than 2.0 s")
    in_time(lambda: pipeline.apply(world, Request(beside="eu")))
    in_time(lambda: pipeline.apply(world, Request()))
    status = two.store.get("status")
    assert isinstance(status, dict)
    row = next(row for row in status["targets"] if row["target"] == "eu/mesh")
    assert (row["ok"], row["late"]) == (3, 1)
    text = status_text(status, plain)
    assert "eu/mesh : ok=3" in text
    assert "eu/mesh: its own round ended " in text


def test_a_run_without_memory_waits_for_a_slow_one(two: Fleet) -> None:
    world, cluster = sick_world(two, "inspect")

    async def scenario() -> Run:
        asyncio.get_running_loop().call_later(1, cluster.go.set)
        return await pipeline.apply(replace(world, breakers=None), Request())

    assert rows(in_time(scenario)) == {"eu/mesh": {"changed": 3}, "us/mesh": {"changed": 3}}


def test_a_silent_cluster_holds_no_place(two: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "PLACE_SECONDS", 0.1)
    two.settings("{mode: Apply, limits: {parallelClusters: 1}}")
    two.commit("one at a time")
    world, cluster = sick_world(two, "inspect")
    opener = world.open_cluster

    def opened(document: clusters.Cluster) -> Any:
        if document.name == "us":
            asyncio.get_running_loop().call_later(0.1, cluster.go.set)  # eu goes on only when us had its turn
        return opener(document)

    run = in_time(lambda: pipeline.apply(replace(world, open_cluster=opened, breakers=None), Request()))
    assert rows(run) == {"eu/mesh": {"changed": 3}, "us/mesh": {"changed": 3}}


def test_refusals_open_no_circuit(two: Fleet) -> None:
    (two.repo / "facts/eu/broken.yaml").write_text("kind: [")
    world = remembering(two)
    run = in_time(lambda: pipeline.apply(world, Request()))
    assert rows(run)["eu/mesh"] == {"unreachable": 1}
    assert world.breakers is not None
    assert world.breakers.open() == {}


def test_a_pause_that_a_server_asks_for_is_kept_for_it_alone(two: Fleet) -> None:
    world, cluster = sick_world(two)

    async def throttled(_kinds: Any) -> Inspection:
        raise Throttled("too many requests", 429, 120)

    cluster.inspect = throttled  # type: ignore[method-assign]
    before = datetime.now(UTC)
    run = in_time(lambda: pipeline.apply(world, Request()))
    assert rows(run) == {"eu/mesh": {"unreachable": 1}, "us/mesh": {"changed": 3}}
    assert world.breakers is not None
    (circuit,) = world.breakers.open().values()
    assert circuit.cluster.name == "eu"
    assert (circuit.retry_at - before).total_seconds() >= 120


def test_a_round_beside_knows_the_others_and_touches_only_its_own(two: Fleet) -> None:
    two.apply()
    two.policy("cart", "{to: [cart.shop], rule: {timeout: 5s}}")
    head = two.commit("slower")
    world = remembering(two)
    accepted = two.store.get("accepted")
    run = in_time(lambda: pipeline.apply(world, Request(beside="eu")))
    assert rows(run) == {"eu/mesh": {"ok": 2, "changed": 1}}
    assert two.live("us")["VirtualService cart"]["spec"]["http"][0]["timeout"] == "1s"
    assert {*run.planned.facts.clusters} == {"eu", "us"}
    assert two.store.get("accepted") == accepted != head
    status = two.store.get("status")
    assert isinstance(status, dict)
    assert [row["target"] for row in status["targets"]] == ["eu/mesh", "us/mesh"]


class Behind(Fleet):
    """``sick`` is a real API server behind what can fail, ``well`` is a directory."""

    def __init__(self, folder: Path, server: ApiServer, namespace: str, url: str) -> None:
        config = folder / "sick.kubeconfig"
        config.write_text(json.dumps(server.config({"token": server.token("admin")}, server=url)))
        super().__init__(folder, {"sick": {"kubeconfig": {"path": str(config)}}, "well": None})
        for name in ("reviews", "cart"):
            path = f"/api/v1/namespaces/{namespace}/services"
            status, answer = server.request("POST", path, service(name, namespace))
            assert status == 201, answer
            self.remove(f"policies/{name}.yaml")
            self.policy(name, f"{{to: [{name}.{namespace}], rule: {{timeout: 1s}}}}")
        self.facts("well", [service(name, namespace) for name in ("reviews", "cart")])
        self.settings(f"{{mode: Apply, owner: {namespace}, limits: {{timeout: 200s}}}}")
        self.commit("on this namespace")


@pytest.fixture
def proxied(
    tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str, fault_proxy: FaultProxy
) -> Iterator[Behind]:
    made = Behind(tmp_path, kube, fresh_namespace, fault_proxy.url)
    yield made
    made.store.close()


@pytest.fixture
def stubbed(
    tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str, stub: StubServer
) -> Iterator[Behind]:
    stub.upstream = kube
    made = Behind(tmp_path, kube, fresh_namespace, stub.url)
    yield made
    made.store.close()


def sickness_and_recovery(
    fleet: Behind, world: World, heal: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = in_time(lambda: pipeline.apply(world, Request()))
    assert rows(run) in ({"sick/mesh": {how: 1}, "well/mesh": {"changed": 2}} for how in ("late", "unreachable"))
    assert world.breakers is not None
    assert list(world.breakers.open()) == ["sick"]
    heal()
    monkeypatch.setattr(breaker, "SHORTEST_PATIENCE", 60)  # a real server on a busy machine is slow, too
    monkeypatch.setattr(breaker, "UNKNOWN_PACE", 60)
    still = in_time(lambda: pipeline.apply(world, Request()))
    assert rows(still) in ({"sick/mesh": {how: 1}, "well/mesh": {"ok": 2}} for how in ("late", "unreachable"))
    world.breakers.trying("sick")
    alone = in_time(lambda: pipeline.apply(world, Request(beside="sick")))
    world.breakers.tried("sick", True, 60)
    assert rows(alone) == {"sick/mesh": {"changed": 2}}, [t.error for t in alone.planned.plan.targets]
    together = in_time(lambda: pipeline.apply(world, Request()))
    assert (together.code, rows(together)) == (0, {"sick/mesh": {"ok": 2}, "well/mesh": {"ok": 2}})


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", ["refuse", "black-hole", "cut", "slow"])
def test_a_faulty_way_to_a_real_server(
    proxied: Behind, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    if mode == "slow":
        fault_proxy.delay = 10
    else:
        fault_proxy.mode = mode

    def heal() -> None:
        fault_proxy.mode, fault_proxy.delay = "pass", 0

    sickness_and_recovery(proxied, remembering(proxied), heal, monkeypatch)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_real_server_that_answers_with_failures(
    stubbed: Behind, stub: StubServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def failing(_asked: Asked) -> Answer:
        headers = {"Retry_After": "30"} if status == 429 else {}
        return Answer.failure(status, "not now", **headers)

    well = stub.answer
    stub.answer = failing

    def heal() -> None:
        stub.answer = well

    sickness_and_recovery(stubbed, remembering(stubbed), heal, monkeypatch)


def others_do_not_wait(fleet: Behind, fall_sick: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that was well falls sick: a change is on the healthy one while the round still waits for the sick."""
    monkeypatch.setattr(breaker, "SHORTEST_PATIENCE", 60)
    monkeypatch.setattr(breaker, "UNKNOWN_PACE", 60)
    monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 60)
    world = remembering(fleet)
    run = in_time(lambda: pipeline.apply(world, Request()))
    assert rows(run) == {"sick/mesh": {"changed": 2}, "well/mesh": {"changed": 2}}
    path = fleet.repo / "policies/cart.yaml"
    path.write_text(path.read_text().replace("timeout: 1s", "timeout: 7s"))
    fleet.commit("slower")
    fall_sick()

    async def scenario() -> None:
        round_ = asyncio.create_task(pipeline.apply(world, Request()))
        await until(lambda: slowed(fleet, "well"))
        await until(lambda: len(fleet.events(cluster="well", type="object.*")) == 3)
        assert not round_.done()
        round_.cancel()
        await asyncio.wait({round_})

    asyncio.run(scenario())


@pytest.mark.parametrize("mode", ["black-hole", "slow"])
def test_others_do_not_wait_for_a_real_server_behind_a_faulty_way(
    proxied: Behind, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    def fall_sick() -> None:
        fault_proxy.mode, fault_proxy.delay = ("pass", 60) if mode == "slow" else (mode, 0)

    others_do_not_wait(proxied, fall_sick, monkeypatch)


@pytest.mark.parametrize("status", [429, 503])
def test_others_do_not_wait_for_a_real_server_that_asks_for_pauses(
    stubbed: Behind, stub: StubServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    def fall_sick() -> None:
        stub.answer = lambda _asked: Answer.failure(status, "not now", Retry_After="9")

    others_do_not_wait(stubbed, fall_sick, monkeypatch)
