"""What policies become (``tests/adapters/cases/consul``), at a genuine server of 1.8: taken as it is, read back as it
was asked, and removed in the reverse order. What only newer servers have is refused by it in words that say so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.adapters import registry
from reconciler.adapters.base import Adapter
from reconciler.model.native import NativeObject
from reconciler.ports import ClusterError
from tests.adapters.test_adapter_cases import CASES, emitted, read
from tests.consul.server import Server
from tests.io.consul.port import opened

#: how a server of 1.8 says that it does not know something
NEWER = re.compile(r"invalid config key|invalid config entry kind|needs 1\.9")
#: cases of which it knows everything
WHOLE = {
    "access-callers", "access-deny-with-default-deny", "default-deny", "matches", "protocols",
    "retries-of-old-servers", "rewrites", "split", "split-beside-another-route", "subset-without-annotation", "subsets",
}  # fmt: skip
FOUND = [case for case in CASES if case.parent.name == "consul"]


def adapter() -> Adapter:
    found = registry.load("consul")
    assert found is not None
    return found


def placed(one: NativeObject) -> dict[str, Any]:
    """Where everything lies on servers."""
    return {**one.body, "metadata": {**one.body["metadata"], "namespace": "default"}}


def meant(body: Mapping[str, Any]) -> Any:
    return adapter().normalize(body)["spec"]


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
async def test_a_server_takes_what_it_knows_and_gives_it_back(consul: Server, case: Path) -> None:
    objects = [(placed(one), one.kind) for one in emitted(case, read(case))]
    refused: list[str] = []
    async with opened(consul.address) as cluster:
        for body, kind in objects:
            try:
                written = await cluster.apply(body, kind, force=False)
                assert meant(written.body) == meant(body)
            except ClusterError as problem:
                refused.append(str(problem))
        assert not refused or NEWER.search(refused[0]), refused
        assert (case.name not in WHOLE) or not refused, refused
        live = (await cluster.list_objects(adapter().kinds)).objects
        for one in sorted(live, key=lambda one: -adapter().kind(one.key.kind_id).wave):  # type: ignore[union-attr]
            kind = adapter().kind(one.key.kind_id)
            assert kind is not None
            found = await cluster.read(one.key, kind)
            assert found is not None
            await cluster.delete(one.key, kind, "", found.resource_version)
        left = (await cluster.list_objects(adapter().kinds)).objects
    # intentions that carry no mark of ours are left to whoever made them
    assert {one.key.kind for one in left} <= {"ServiceIntentions"}


async def test_filters_find_the_instances_that_they_are_to_find(consul: Server) -> None:
    consul.register("b", Meta={"version": "v1", "tier": "and"})
    consul.register("b", number=2, Meta={"version": "v1", "tier": "back"})
    consul.register("b", number=3, Meta={"app-version": "1.2", "quoted": 'a "b"'})
    case = next(case for case in FOUND if case.name == "subsets")
    [resolver] = [one.body for one in emitted(case, read(case)) if one.key.kind == "ServiceResolver"]
    found = {
        name: [
            entry["Service"]["ID"]
            for entry in consul.request("GET", f"health/service/b?filter={quote(subset['filter'])}")
        ]
        for name, subset in resolver["spec"]["subsets"].items()
    }
    assert found == {"one": ["b-1"], "two": ["b-3"]}
