"""Intentions: single ones at a real server of version 1.8, as one object for each destination."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.ports import Conflict, Rejected
from tests.consul.server import Server
from tests.io.consul.port import INTENTIONS, KINDS, OURS, body, key, opened


def asked(destination: str, *sources: tuple[str, str], name: str = "") -> dict[str, Any]:
    listed = [{"name": source, "action": action} for source, action in sources]
    return body(INTENTIONS, name or destination, {"destination": {"name": destination}, "sources": listed})


def said(server: Server) -> list[tuple[str, str, str]]:
    return sorted((one["SourceName"], one["DestinationName"], one["Action"]) for one in server.intentions())


async def test_an_object_is_one_intention_for_each_source(consul: Server) -> None:
    wanted = asked("b", ("*", "deny"), ("a", "allow"))
    async with opened(consul.address) as cluster:
        written = await cluster.apply(wanted, INTENTIONS, force=False)
        [found] = (await cluster.list_objects(KINDS)).objects
    assert written.created
    assert found.body() == written.body == wanted
    assert (found.key, found.owner, found.resource_version) == (key(INTENTIONS, "b"), "shop", written.resource_version)
    assert said(consul) == [("*", "b", "deny"), ("a", "b", "allow")]
    assert all(one["Meta"].items() >= OURS.items() for one in consul.intentions())


async def test_an_update_changes_what_differs_and_keeps_every_mark(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        await cluster.apply(asked("b", ("*", "deny"), ("a", "allow"), ("old", "allow")), INTENTIONS, force=False)
        kept = {one["SourceName"]: one["ID"] for one in consul.intentions()}
        wanted = asked("b", ("*", "deny"), ("a", "deny"), ("new", "allow"))
        written = await cluster.apply(wanted, INTENTIONS, force=True)
    assert written.body == wanted
    assert said(consul) == [("*", "b", "deny"), ("a", "b", "deny"), ("new", "b", "allow")]
    now = {one["SourceName"]: one["ID"] for one in consul.intentions()}
    assert now.items() >= {name: kept[name] for name in ("*", "a")}.items()
    assert all(one["Meta"].items() >= OURS.items() for one in consul.intentions())


async def test_one_of_somebody_else_shows_as_a_source_and_survives_our_removal(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        await cluster.apply(asked("b", ("a", "allow")), INTENTIONS, force=False)
        theirs = {"SourceName": "c", "DestinationName": "b", "Action": "deny", "Meta": {"team": "x"}}
        consul.request("POST", "connect/intentions", theirs)
        found = await cluster.read(key(INTENTIONS, "b"), INTENTIONS)
        assert found is not None
        assert [source["name"] for source in found.body()["spec"]["sources"]] == ["a", "c"]
        await cluster.delete(found.key, INTENTIONS, "", found.resource_version)
        left = await cluster.read(key(INTENTIONS, "b"), INTENTIONS)
    assert said(consul) == [("c", "b", "deny")]
    assert left is not None
    assert left.owner == ""


async def test_a_change_since_the_plan_is_a_conflict(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        written = await cluster.apply(asked("b", ("a", "allow")), INTENTIONS, force=False)
        consul.request("POST", "connect/intentions", {"SourceName": "c", "DestinationName": "b", "Action": "allow"})
        late = asked("b", ("a", "deny"))
        late["metadata"] = {**late["metadata"], "resourceVersion": written.resource_version}
        with pytest.raises(Conflict):
            await cluster.apply(late, INTENTIONS, force=True)
        with pytest.raises(Conflict):
            await cluster.delete(key(INTENTIONS, "b"), INTENTIONS, "", written.resource_version)
    assert said(consul) == [("a", "b", "allow"), ("c", "b", "allow")]


async def test_rules_about_requests_are_refused_and_nothing_of_the_object_is_written(consul: Server) -> None:
    wanted = asked("b", ("*", "deny"))
    permission = {"action": "allow", "http": {"pathPrefix": "/api/"}}
    wanted["spec"]["sources"].append({"name": "a", "permissions": [permission]})
    async with opened(consul.address) as cluster:
        with pytest.raises(Rejected, match=r"no permissions: that needs 1\.9"):
            await cluster.apply(wanted, INTENTIONS, force=False)
    assert said(consul) == []


async def test_the_wildcard_has_a_name_that_an_object_can_have(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        await cluster.apply(asked("*", ("*", "deny"), name="all.services"), INTENTIONS, force=False)
        [found] = (await cluster.list_objects([INTENTIONS])).objects
    assert found.key == key(INTENTIONS, "all.services")
    assert said(consul) == [("*", "*", "deny")]


async def test_an_object_has_the_name_of_its_destination(consul: Server) -> None:
    async with opened(consul.address) as cluster:
        with pytest.raises(Rejected, match="intentions for 'b' are called by it"):
            await cluster.apply(asked("b", ("a", "allow"), name="c"), INTENTIONS, force=False)
    assert said(consul) == []
