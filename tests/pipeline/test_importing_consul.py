"""Imports from a genuine Consul server of version 1.8: what others wrote is taken over, and the server makes the same
of it as before, as its own discovery chains and intentions tell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.clusters import open_cluster
from reconciler.model.imports import Back, Fate, Import
from reconciler.pipeline.importing.reading import Asked, import_cluster
from reconciler.pipeline.meshes import installed
from tests.consul.server import Server
from tests.pipeline.fleet import rows
from tests.pipeline.test_consul import ConsulFleet
from tests.pipeline.test_importing import backs, changed, only_marks, write

SERVICES = ("web", "admin", "cart", "front")
SUBSETS = {"v1": {"Filter": "Service.Meta.version == v1"}, "v2": {"Filter": 'Service.Meta.version == "v2"'}}


@pytest.fixture
def fleet(consul: Server, tmp_path: Path) -> Iterator[ConsulFleet]:
    for name in SERVICES:
        consul.register(name, 8080, Meta={"version": "v1"})
    consul.register("web", 8080, number=2, Meta={"version": "v2"})
    made = ConsulFleet(tmp_path, consul)
    for name in ("split", "matched", "readers"):
        made.remove(f"policies/{name}.yaml")
    made.settings("{mode: Apply, unowned: Adopt}")
    made.commit("no policies")
    yield made
    made.store.close()


def imported(fleet: ConsulFleet, **asked: Any) -> Import:
    tree = fleet.world().source.tree("worktree")
    opened = Asked(installed(), fleet.at, **asked)
    return asyncio.run(import_cluster(tree, "dc1", lambda one: open_cluster(one, fleet.repo), opened))


def entries(server: Server) -> None:
    """What somebody wrote by hand: a canary, a route of its own, a split of a split."""
    for name in SERVICES:
        server.put("service-defaults", name, Protocol="http")
    server.put("service-resolver", "web", DefaultSubset="v1", ConnectTimeout="15s", Subsets=SUBSETS)
    canary = [{"Weight": 90, "ServiceSubset": "v1"}, {"Weight": 10, "ServiceSubset": "v2"}]
    server.put("service-splitter", "web", Splits=canary)
    limits = {"RequestTimeout": "30s", "NumRetries": 2, "RetryOnStatusCodes": [503], "RetryOnConnectFailure": True}
    admin = {"Service": "admin", "PrefixRewrite": "/", **limits}
    debug = [{"Name": "x-debug", "Exact": "1"}]
    routes = [
        {"Match": {"HTTP": {"PathPrefix": "/admin/"}}, "Destination": admin},
        {"Match": {"HTTP": {"Header": debug, "Methods": ["GET"]}}, "Destination": {"ServiceSubset": "v2"}},
    ]
    server.put("service-router", "web", Routes=routes)
    server.put("service-splitter", "front", Splits=[{"Weight": 33.33, "Service": "cart"}, {"Weight": 66.67}])


def ends(server: Server, name: str) -> list[Any]:
    """The routes that the server makes for the callers of a service, each with the shares of what is behind it."""
    chain = server.request("GET", f"discovery-chain/{name}")["Chain"]
    nodes = chain["Nodes"]
    start = nodes[chain["StartNode"]]
    if start["Type"] != "router":
        return [[None, {}, shares(start, nodes)]]
    found = []
    for route in start["Routes"]:
        said = dict(route["Definition"].get("Destination") or {})
        for field in ("Service", "ServiceSubset", "Namespace"):
            said.pop(field, None)
        found.append([route["Definition"]["Match"], said, shares(nodes[route["NextNode"]], nodes)])
    return found


def shares(node: Mapping[str, Any], nodes: Mapping[str, Any]) -> dict[str, Any]:
    if node["Type"] == "resolver":
        return {f"{node['Resolver']['Target']} within {node['Resolver']['ConnectTimeout']}": Fraction(100)}
    found: dict[str, Any] = {}
    for split in node["Splits"]:
        for target, share in shares(nodes[split["NextNode"]], nodes).items():
            found[target] = found.get(target, 0) + share * Fraction(str(split["Weight"])) / 100
    return found


def test_what_others_wrote_is_taken_over_and_does_the_same(fleet: ConsulFleet) -> None:
    entries(fleet.server)
    before = {name: ends(fleet.server, name) for name in SERVICES}
    made = imported(fleet)
    assert {one.fate for one in made.taken} == {Fate.NEUTRAL, Fate.NATIVE}
    write(fleet, made)
    assert set(changed(fleet.plan())) == set(backs(made))
    done = fleet.apply()
    assert done.code == 0, [*map(str, done.planned.findings), *(one.message for one in done.results)]
    assert {name: ends(fleet.server, name) for name in SERVICES} == before
    assert rows(fleet.apply()) == {"dc1/mesh": {"ok": len(made.taken)}}
    assert {one.fate for one in imported(fleet).taken} == {Fate.SKIPPED}


def test_what_comes_back_the_same_is_only_marked(fleet: ConsulFleet) -> None:
    entries(fleet.server)
    made = imported(fleet, exact=True)
    assert {back for _, back in backs(made).values()} == {Back.SAME}
    write(fleet, made)
    assert only_marks(changed(fleet.plan()))


def test_a_protocol_that_proxy_defaults_say_is_that_of_all(fleet: ConsulFleet) -> None:
    """Services without ServiceDefaults get some by the documents, which say what holds anyway."""
    fleet.server.put("proxy-defaults", "global", Config={"protocol": "http"})
    route = {"Match": {"HTTP": {"PathExact": "/admin"}}, "Destination": {"Service": "admin"}}
    fleet.server.put("service-router", "web", Routes=[route])
    before = ends(fleet.server, "web")
    made = imported(fleet)
    assert backs(made)["ServiceRouter default/web"] == (Fate.NEUTRAL, Back.SAME)
    write(fleet, made)
    assert fleet.apply().code == 0
    assert ends(fleet.server, "web") == before


def test_old_intentions_are_read_as_one_object_for_each_destination(fleet: ConsulFleet) -> None:
    given = [("front", "web", "allow"), ("*", "web", "deny"), ("cart", "admin", "deny"), ("nobody", "cart", "allow")]
    given += [("*", "cart", "deny"), ("*", "*", "deny")]
    for source, destination, action in given:
        body = {"SourceName": source, "DestinationName": destination, "SourceType": "consul", "Action": action}
        fleet.server.request("POST", "connect/intentions", body)
    made = imported(fleet)
    found = {key.partition("/")[2]: found for key, found in backs(made).items()}
    assert found == dict.fromkeys(("all.services", "admin", "cart", "web"), (Fate.NEUTRAL, Back.SAME))
    write(fleet, made)
    assert only_marks(changed(fleet.plan()))
    assert fleet.apply().code == 0
    said = {(one["SourceName"], one["DestinationName"], one["Action"]) for one in fleet.server.intentions()}
    assert said == set(given)
    assert rows(fleet.apply()) == {"dc1/mesh": {"ok": 4}}
