"""Rounds that take over each other's connections, on a real kube-apiserver, with every list followed by a watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.kube import lists, watch
from reconciler.model.native import OWNER_LABEL
from reconciler.pipeline import kept_connections
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.world import Request, World, keeping_connections
from tests.kube.control_plane import ApiServer
from tests.pipeline.fleet import rows
from tests.pipeline.test_kube import KubeFleet, settled, through


@pytest.fixture
def kube_fleet(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[KubeFleet]:
    made = KubeFleet(tmp_path, [kube], fresh_namespace)
    yield made
    made.store.close()


@pytest.fixture
async def world(kube_fleet: KubeFleet, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(lists, "WATCHED_FROM", 1)
    monkeypatch.setattr(lists, "WATCHES", 30)
    async with keeping_connections(kube_fleet.world()) as kept:
        yield kept


async def once(world: World) -> Any:
    return await pipeline.apply(world, Request())


async def test_what_others_change_is_seen_and_what_we_changed_too(kube_fleet: KubeFleet, world: World) -> None:
    fleet = kube_fleet
    assert rows(await once(world)) == {"c0/mesh": {"changed": 3}}
    for _ in range(3):
        assert rows(await once(world)) == {"c0/mesh": {"ok": 3}}
    body = await asyncio.to_thread(fleet.get, "virtualservices", "reviews")
    body["spec"]["http"][0]["timeout"] = "30s"
    await asyncio.to_thread(fleet.put, "virtualservices", body)

    async def round_of() -> Any:
        return await once(world)

    assert rows(await settled(round_of, drifted=1)) == {"c0/mesh": {"ok": 2, "changed": 1, "drifted": 1}}
    assert rows(await once(world)) == {"c0/mesh": {"ok": 3}}
    text = (fleet.repo / "policies/cart.yaml").read_text()
    for seconds in range(2, 6):
        fleet.change("policies/cart.yaml", text.replace("1s", f"{seconds}s"))
        assert rows(await once(world)) == {"c0/mesh": {"ok": 2, "changed": 1}}
        assert rows(await once(world)) == {"c0/mesh": {"ok": 3}}
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    assert rows(await once(world)) == {"c0/mesh": {"ok": 2, "pruned": 1}}
    assert rows(await once(world)) == {"c0/mesh": {"ok": 2}}
    assert fleet.store.verify() > 0


async def test_a_quiet_round_plans_nothing_anew_and_the_next_change_is_planned(
    kube_fleet: KubeFleet, world: World
) -> None:
    await once(world)
    await once(world)
    first, second = await once(world), await once(world)
    if second.planned.live.clusters["c0"] is first.planned.live.clusters["c0"]:  # else other tests were at work
        assert second.planned.plan.targets == first.planned.plan.targets
    kube_fleet.settings(f"{{mode: Report, owner: {kube_fleet.namespace}, limits: {{timeout: 20s}}}}")
    kube_fleet.commit("only look")
    (target,) = (await once(world)).planned.plan.targets
    assert target.mode == "Report"


async def test_nothing_is_deleted_on_the_word_of_a_view_that_is_behind(
    kube_fleet: KubeFleet, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch hangs: it neither ends nor tells. Meanwhile another reconciler took the object over."""
    fleet = kube_fleet
    await once(world)
    assert rows(await once(world)) == {"c0/mesh": {"ok": 3}}
    monkeypatch.setattr(watch.Watch, "_take", lambda _watch, _line: None)
    body = await asyncio.to_thread(fleet.get, "virtualservices", "cart")
    body["metadata"]["labels"][OWNER_LABEL] = "theirs"
    await asyncio.to_thread(fleet.put, "virtualservices", body)
    assert rows(await once(world)) == {"c0/mesh": {"ok": 3}}, "the view is to be behind"
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    run = await once(world)
    assert (run.code, rows(run)) == (0, {"c0/mesh": {"ok": 2}})
    after = await asyncio.to_thread(fleet.get, "virtualservices", "cart")
    assert after["metadata"]["labels"][OWNER_LABEL] == "theirs"


async def test_a_cluster_that_was_gone_for_a_while_is_read_anew(
    kube_fleet: KubeFleet, world: World, fault_proxy: Any
) -> None:
    fleet = kube_fleet
    fleet.cluster("c0", {"kubeconfig": {"path": through(fleet, fault_proxy)}})
    fleet.commit("by way of a proxy")
    await once(world)
    assert rows(await once(world)) == {"c0/mesh": {"ok": 3}}
    fault_proxy.mode, fault_proxy.cut_after = "cut", 0
    assert rows(await once(world)) == {"c0/mesh": {"unreachable": 1}}
    await asyncio.to_thread(fleet.servers[0].request, "DELETE", fleet.url("virtualservices", "cart"))
    fault_proxy.mode = "pass"
    assert rows(await once(world)) == {"c0/mesh": {"ok": 2, "changed": 1, "drifted": 1}}


async def test_what_a_closed_connection_has_read_is_not_held(
    kube_fleet: KubeFleet, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await once(world)
    await once(world)
    assert set(world.kept.observed) == set(world.kept.detected) == {"c0"}
    monkeypatch.setattr(kept_connections, "LONGEST", timedelta(0))
    assert rows(await once(world)) == {"c0/mesh": {"ok": 3}}
    assert (world.kept.observed, world.kept.detected, world.kept.quiet) == ({}, {}, {})


async def test_the_end_closes_every_connection_and_watch(kube_fleet: KubeFleet) -> None:
    before = asyncio.all_tasks()
    async with keeping_connections(kube_fleet.world()) as world:
        await once(world)
        await once(world)
        assert asyncio.all_tasks() - before, "the kinds of the cluster are followed"
    assert asyncio.all_tasks() == before
