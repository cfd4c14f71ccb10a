"""Clusters are read while the desired state is compiled; what only compiling names is read then."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import yaml

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model.native import NativeKind
from reconciler.model.plans import Reason
from reconciler.model.refs import KindId
from reconciler.pipeline.ahead import Ahead
from reconciler.pipeline.world import Connections
from reconciler.ports import Listing
from tests.pipeline.fleet import Fleet, rows

ROUTE = NativeKind(KindId("mesh.example.com", "Route"), ("v1",), "routes")
POLICY = NativeKind(KindId("mesh.example.com", "Policy"), ("v1",), "policies")
CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "theirs", "namespace": "shop"},
    "data": {"a": "0"},
}


def an_object(kind: NativeKind, name: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{kind.kind.group}/v1",
        "kind": kind.kind.kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {},
    }


async def test_what_was_not_begun_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    bodies = [an_object(POLICY, "b"), an_object(ROUTE, "c"), an_object(POLICY, "a")]
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(bodies))
    cluster = DirectoryCluster("eu", tmp_path, None)
    whole = await cluster.list_objects([POLICY, ROUTE])
    begun = asyncio.create_task(cluster.list_objects([ROUTE]))
    ahead = Ahead(Connections(lambda _: cluster), {"eu": ({ROUTE.kind: ROUTE}, begun)})
    found = await ahead.listing(cluster, [POLICY, ROUTE])
    assert [item.key.name for item in found.objects] == ["a", "b", "c"]
    assert (found.objects, found.unread, found.absent) == (whole.objects, whole.unread, whole.absent)


async def test_what_is_not_asked_for_is_ended(tmp_path: Path) -> None:
    cluster = DirectoryCluster("eu", tmp_path, None)

    async def never() -> Listing:
        await asyncio.Event().wait()
        return await cluster.list_objects([])

    begun = asyncio.create_task(never())
    await Ahead(Connections(lambda _: cluster), {"eu": ({}, begun)}).end()
    assert begun.cancelled()


def test_an_object_of_others_of_a_kind_that_no_adapter_names_is_refused(fleet: Fleet) -> None:
    fleet.file("live/eu/theirs.yaml", yaml.safe_dump(CONFIG_MAP))
    mine = "{objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs, namespace: shop}, data: {a: '1'}}]}"
    fleet.policy("raw", mine, "Extension")
    fleet.commit("an object that somebody has")
    run = fleet.apply()
    assert rows(run) == {"eu/mesh": {"changed": 3, "blocked": 1}}
    assert run.planned.plan is not None
    assert {change.withheld for change in run.planned.plan.changes if change.withheld} == {Reason.UNOWNED}
    assert fleet.live()["ConfigMap theirs"] == CONFIG_MAP
