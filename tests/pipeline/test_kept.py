"""What a process keeps between runs is what it would find anew."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model import clusters
from reconciler.model.facts import Facts
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.kept_connections import LONGEST, KeptConnections
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import Request, World
from tests.pipeline.fleet import FACTS, Fleet, rows, service


def again(world: World) -> Run:
    return asyncio.run(pipeline.apply(world, Request()))


def test_a_quiet_second_run_compiles_nothing_anew(fleet: Fleet) -> None:
    world = fleet.world()
    first, second = again(world), again(world)
    assert rows(second) == {"eu/mesh": {"ok": 3}}
    assert second.planned.compiled.objects is first.planned.compiled.objects
    assert second.planned.desired is first.planned.desired


def test_drift_commits_and_facts_are_seen_in_the_same_process(fleet: Fleet) -> None:
    world = fleet.world()
    again(world)
    fleet.edit("VirtualService", "cart", "timeout: 1s", "timeout: 9s")
    assert rows(again(world)) == {"eu/mesh": {"ok": 2, "changed": 1, "drifted": 1}}
    text = (fleet.repo / "policies/cart.yaml").read_text()
    fleet.change("policies/cart.yaml", text.replace("1s", "2s"))
    assert rows(again(world)) == {"eu/mesh": {"ok": 2, "changed": 1}}
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "2s"
    before = again(world).planned.compiled.objects
    fleet.facts("eu", [*FACTS, service("late")])
    after = again(world).planned
    assert after.compiled.objects is not before
    assert "late" in {one.ref.name for one in after.facts.clusters["eu"].services}


def test_a_policy_that_expires_ends_in_the_same_process(fleet: Fleet) -> None:
    ends = fleet.at + timedelta(hours=1)
    expires = f"expires: '{ends.isoformat().replace('+00:00', 'Z')}'"
    fleet.policy("cart", f"{{to: [cart.shop], {expires}, rule: {{timeout: 1s}}}}")
    fleet.commit("for an hour")
    world = fleet.world()
    assert rows(again(world)) == {"eu/mesh": {"changed": 3}}
    assert rows(again(world)) == {"eu/mesh": {"ok": 3}}

    def later() -> datetime:
        return fleet._now() + timedelta(hours=2)

    assert rows(again(replace(world, now=later))) == {"eu/mesh": {"ok": 2, "pruned": 1}}


def test_ignore_rules_of_a_new_commit_hold_at_once(fleet: Fleet) -> None:
    world = fleet.world()
    again(world)
    fleet.settings(
        "{mode: Apply, ignore: [{gvk: networking.istio.io/v1/VirtualService, jsonPaths: ['spec.http[*].timeout']}]}"
    )
    fleet.commit("timeouts are others'")
    fleet.edit("VirtualService", "cart", "timeout: 1s", "timeout: 9s")
    assert rows(again(world)) == {"eu/mesh": {"ok": 3}}
    assert fleet.live()["VirtualService cart"]["spec"]["http"][0]["timeout"] == "9s"


def test_only_a_few_revisions_are_kept(fleet: Fleet) -> None:
    world = fleet.world()
    text = (fleet.repo / "policies/cart.yaml").read_text()
    for number in range(2, 8):
        fleet.change("policies/cart.yaml", text.replace("1s", f"{number}s"))
        again(world)
    assert len(world.kept._loaded) <= 3
    assert len(world.kept._made) <= 3
    assert len(world.kept.digests) <= 9


class Door(DirectoryCluster):
    """Tells whether it was closed."""

    closed = False

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def doors(fleet: Fleet) -> tuple[KeptConnections, list[Door], clusters.Cluster]:
    made: list[Door] = []

    def opened(document: clusters.Cluster) -> Door:
        made.append(Door(document.name, fleet.repo / "live/eu"))
        return made[-1]

    desired = again(fleet.world()).planned.desired
    assert desired is not None
    return KeptConnections(opened), made, desired.clusters["eu"]


async def test_a_connection_is_taken_over_while_it_is_fresh_and_closed_after(
    fleet: Fleet, doors: tuple[KeptConnections, list[Door], clusters.Cluster]
) -> None:
    kept, made, document = doors
    kept.begin()
    first = kept.to(document)
    assert not kept.taken_over("eu")
    await kept.end(fleet.at)
    kept.begin()
    assert kept.to(document) is first
    assert kept.taken_over("eu")
    await kept.end(fleet.at + LONGEST)
    assert [door.closed for door in made] == [True]
    kept.begin()
    assert kept.to(document) is not first
    assert not kept.taken_over("eu")
    await kept.end(fleet.at)
    await kept.close()
    assert [door.closed for door in made] == [True, True]


async def test_what_is_retired_stays_open_while_a_run_may_use_it(
    fleet: Fleet, doors: tuple[KeptConnections, list[Door], clusters.Cluster]
) -> None:
    kept, made, document = doors
    kept.begin()
    kept.begin()
    kept.to(document)
    kept.retire(["eu"])
    kept.to(replace(document, limits=replace(document.limits, timeout=7.0)))
    kept.to(document)  # as it was: another connection again
    await kept.end(fleet.at)
    assert [door.closed for door in made] == [False, False, False]
    await kept.end(fleet.at)
    assert [door.closed for door in made] == [True, True, False]
    kept.begin()
    await kept.end(fleet.at - timedelta(seconds=1))  # the clock was set back: how old it is, nobody knows
    assert [door.closed for door in made] == [True, True, True]


async def test_a_connection_that_is_handed_over_is_anothers_to_close(
    fleet: Fleet, doors: tuple[KeptConnections, list[Door], clusters.Cluster]
) -> None:
    kept, made, document = doors
    kept.begin()
    kept.to(document)
    kept.forget("eu")
    await kept.end(fleet.at)
    await kept.close()
    assert [door.closed for door in made] == [False]


def test_facts_that_are_remembered_compile_to_what_they_did_when_they_were_read(fleet: Fleet) -> None:
    world = fleet.world()
    planned = again(world).planned
    desired, read = planned.desired, planned.facts
    assert desired is not None
    silent = Facts(dict(read.clusters), {"eu": "no answer"}, frozenset({"eu"}))
    known = world.kept.compiled(desired, silent, fleet.at)
    assert known is not None
    assert known.objects is planned.compiled.objects
    other = Facts({"eu": replace(read.clusters["eu"], services=())})
    assert world.kept.compiled(desired, other, fleet.at) is None
