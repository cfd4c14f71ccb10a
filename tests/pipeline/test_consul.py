"""Whole runs against a genuine Consul server of version 1.8: entries, in sync, drift, order, refusals, trouble.

What only newer servers have (rules about requests in intentions, headers, callers' limits) is tested by the CRDs of
consul-k8s and by servers that answer as their API documentation says (tests/io/consul/test_newer.py).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.native import OWNER_LABEL
from reconciler.model.plans import Reason
from reconciler.pipeline.outcome import Run
from tests.consul.fixtures import authority, token, told
from tests.consul.server import Server
from tests.pipeline.fleet import Fleet, codes, rows

MESH = """
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {type: consul, clusterSelector: {}}
"""
SPLIT = "{to: [reviews.default], rule: {route: {v1: 90, v2: 10}, timeout: 7s, retries: {attempts: 3, on: [5xx]}}}"
MATCHED = """{to: [reviews.default], match: [{path: {prefix: /admin}, headers: [{name: x-a, exact: "1"}]}],
 rule: {route: [{to: cart.default, weight: 1}, {to: reviews.default, weight: 2}], timeout: 1m30s}}"""
READERS = "{action: Allow, from: [{services: [{name: cart, namespace: default}]}], to: [reviews.default]}"


class ConsulFleet(Fleet):
    """A repository whose only cluster is a datacenter."""

    def __init__(self, folder: Path, server: Server, **more: Any) -> None:
        self.server = server
        super().__init__(folder, {"dc1": {"consul": {"address": server.address, **more}}})
        self.file("desired-state/mesh.yaml", MESH)
        for name in ("policies/reviews.yaml", "policies/cart.yaml"):
            self.remove(name)
        self.policy("split", SPLIT)
        self.policy("matched", " ".join(MATCHED.split()))
        self.policy("readers", READERS, "AccessPolicy")
        self.commit("what a datacenter is asked for")

    def entries(self) -> dict[str, dict[str, Any]]:
        kinds = ("service-defaults", "service-resolver", "service-splitter", "service-router")
        found = ((kind, entry) for kind in kinds for entry in self.server.request("GET", f"config/{kind}"))
        return {f"{kind} {entry['Name']}": entry for kind, entry in found}


def registered(server: Server) -> None:
    server.register("reviews", 9080, Meta={"version": "v1"})
    server.register("reviews", 9080, number=2, Meta={"version": "v2"})
    server.register("cart", 8080)


@pytest.fixture
def fleet(consul: Server, tmp_path: Path) -> Iterator[ConsulFleet]:
    registered(consul)
    made = ConsulFleet(tmp_path, consul)
    yield made
    made.store.close()


def words(run: Run) -> str:
    return "\n".join([*map(str, run.planned.findings), *(result.message for result in run.results)])


def confirmed(fleet: ConsulFleet) -> Run:
    """A run that somebody let remove as much as it has to."""
    plan = fleet.plan().planned.plan
    assert plan is not None
    return fleet.apply(confirmed=frozenset({plan.targets[0].guard_fingerprint} - {""}))


def test_a_commit_becomes_entries_and_a_second_run_finds_nothing(fleet: ConsulFleet) -> None:
    first = fleet.apply()
    assert first.code == 0, words(first)
    split, other = (name.partition(" ")[2] for name in fleet.entries() if name.startswith("service-splitter "))
    assert split.startswith("reviews-split-")
    assert other.startswith("reviews-split-")
    assert sorted(fleet.entries()) == sorted(
        [
            *(f"service-defaults {name}" for name in ("cart", "reviews", split, other)),
            "service-resolver reviews",
            "service-router reviews",
            f"service-splitter {split}",
            f"service-splitter {other}",
        ]
    )
    assert all(entry["Meta"][OWNER_LABEL] for entry in fleet.entries().values())
    assert {(one["SourceName"], one["Action"]) for one in fleet.server.intentions()} == {
        ("cart", "allow"),
        ("*", "deny"),
    }
    before = told(fleet.server)
    again = fleet.apply()
    assert (again.code, rows(again)) == (0, {"dc1/mesh": {"ok": len(first.results)}})
    # and with nothing remembered, by comparison alone: what the server fills in and spells otherwise is no drift
    fleet.store.replace_proven("dc1", {})
    third = fleet.apply()
    assert (third.code, rows(third)) == (0, {"dc1/mesh": {"ok": len(first.results)}})
    assert told(fleet.server) == before


def test_what_the_server_makes_of_it_is_what_was_asked(fleet: ConsulFleet) -> None:
    assert fleet.apply().code == 0
    chain = fleet.server.request("GET", "discovery-chain/reviews")["Chain"]
    assert chain["Protocol"] == "http"
    routes = chain["Nodes"][chain["StartNode"]]["Routes"]
    said = [route["Definition"]["Match"]["HTTP"] for route in routes]
    header = {"Header": [{"Name": "x-a", "Exact": "1"}]}
    assert said == [
        {"PathExact": "/admin", **header},
        {"PathPrefix": "/admin/", **header},
        {"PathPrefix": "/"},
        {"PathPrefix": "/"},  # the last one is of the server's own making
    ]
    shares = {split["NextNode"]: split["Weight"] for split in chain["Nodes"][routes[2]["NextNode"]]["Splits"]}
    assert shares == {
        "resolver:v1.reviews.default.dc1": 90,
        "resolver:v2.reviews.default.dc1": 10,
    }
    admin = {split["NextNode"]: split["Weight"] for split in chain["Nodes"][routes[0]["NextNode"]]["Splits"]}
    assert admin == {"resolver:cart.default.dc1": 33.33, "resolver:reviews.default.dc1": 66.67}
    definition = routes[2]["Definition"]["Destination"]
    assert (definition["RequestTimeout"], definition["NumRetries"]) == ("7s", 3)
    assert definition["RetryOnStatusCodes"] == [500, 501, 502, 503, 504]


def test_a_change_by_hand_is_drift_and_is_healed(fleet: ConsulFleet) -> None:
    assert fleet.apply().code == 0
    router = fleet.entries()["service-router reviews"]
    router["Routes"][-1]["Destination"]["RequestTimeout"] = "99s"
    assert fleet.server.request("PUT", "config", router) is True
    theirs = {"SourceName": "intruder", "DestinationName": "reviews", "Action": "allow"}
    fleet.server.request("POST", "connect/intentions", theirs)
    plan = fleet.plan()
    assert rows(plan)["dc1/mesh"]["drifted"] == 2
    run = fleet.apply()
    assert run.code == 0, words(run)
    healed = fleet.entries()["service-router reviews"]
    assert healed["Routes"][-1]["Destination"]["RequestTimeout"] == "7s"
    assert {one["SourceName"] for one in fleet.server.intentions()} == {"cart", "*"}
    assert fleet.apply().code == 0


def test_what_git_does_not_ask_for_any_more_goes_in_the_order_that_the_server_takes(fleet: ConsulFleet) -> None:
    assert fleet.apply().code == 0
    fleet.server.put("service-defaults", "theirs", Protocol="http")
    for name in ("split", "matched", "readers"):
        fleet.remove(f"policies/{name}.yaml")
    fleet.policy("kept", "{to: [cart.default], rule: {timeout: 1s}}")
    fleet.commit("only the cart")
    run = confirmed(fleet)
    assert run.code == 0, words(run)
    assert sorted(fleet.entries()) == ["service-defaults cart", "service-defaults theirs", "service-router cart"]
    assert fleet.server.intentions() == []


def test_a_subset_goes_once_no_route_and_no_split_needs_it(fleet: ConsulFleet) -> None:
    """A server refuses that while one of them is there, be it about to change or to be removed."""
    assert fleet.apply().code == 0
    fleet.remove("policies/matched.yaml")
    fleet.policy("split", "{to: [reviews.default], rule: {route: {v1: 100}}}")
    fleet.commit("nothing to v2")
    run = confirmed(fleet)
    assert run.code == 0, words(run)
    assert set(fleet.entries()["service-resolver reviews"]["Subsets"]) == {"v1"}
    assert not [name for name in fleet.entries() if name.startswith("service-splitter")]
    fleet.policy("split", "{to: [reviews.default], rule: {protocol: {opaque: true}}}")
    fleet.commit("no requests any more")
    run = confirmed(fleet)
    assert run.code == 0, words(run)
    assert fleet.entries()["service-defaults reviews"]["Protocol"] == "tcp"
    assert fleet.apply().code == 0


def test_entries_of_others_are_not_taken(fleet: ConsulFleet) -> None:
    fleet.server.put("service-defaults", "reviews", Protocol="http", Meta={"team": "checkout"})
    run = fleet.apply()
    assert run.planned.plan is not None
    held = {
        str(change.key): change.withheld
        for plan in run.planned.plan.targets
        for change in plan.changes
        if change.withheld
    }
    assert held == {"ServiceDefaults default/reviews": Reason.UNOWNED}
    assert fleet.entries()["service-defaults reviews"]["Meta"] == {"team": "checkout"}


def test_what_needs_a_newer_server_is_refused_before_it_is_tried(fleet: ConsulFleet) -> None:
    fleet.policy("set", "{to: [cart.default], rule: {headers: {request: {set: {x-a: '1'}}}}}")
    fleet.policy("paths", "{action: Allow, to: [cart.default], match: [GET /a]}", "AccessPolicy")
    fleet.policy("limits", "{to: [cart.default], rule: {connections: {tcp: {max: 3}}}}")
    fleet.commit("what 1.8 cannot do")
    run = fleet.apply()
    found = [finding.message for finding in run.planned.findings if finding.code == "capability-unsupported"]
    assert any("traffic.headers.request.set" in one and "1.11" in one and "1.8.7" in one for one in found), found
    assert any("access.match" in one and "1.9" in one for one in found), found
    assert any("traffic.connections.tcp.max" in one and "1.10" in one for one in found), found
    assert "service-router cart" not in fleet.entries()
    assert {one["DestinationName"] for one in fleet.server.intentions()} == {"reviews"}


def test_a_refusal_of_the_server_is_told_in_its_words(fleet: ConsulFleet) -> None:
    """Somebody else's split goes to a subset that Git takes away."""
    assert fleet.apply().code == 0
    fleet.server.put("service-defaults", "theirs", Protocol="http")
    share = {"Weight": 100, "Service": "reviews", "ServiceSubset": "v2"}
    fleet.server.put("service-splitter", "theirs", Splits=[share])
    fleet.policy("split", "{to: [reviews.default], rule: {route: {v1: 100}}}")
    fleet.commit("nothing to v2")
    run = fleet.apply()
    assert run.code != 0
    assert 'service "reviews" does not have a subset named "v2"' in words(run)
    assert set(fleet.entries()["service-resolver reviews"]["Subsets"]) == {"v1", "v2"}


def test_a_token_with_too_few_rules_is_told_before_the_first_write(secure_consul: Server, tmp_path: Path) -> None:
    registered(secure_consul)
    rules = 'node_prefix "" { policy = "read" } agent_prefix "" { policy = "read" }'
    rules += ' service_prefix "" { policy = "read" intentions = "read" }'
    secret, ca = token(secure_consul, rules, tmp_path, "reader"), authority(secure_consul, tmp_path)
    made = ConsulFleet(tmp_path, secure_consul, tokenRef={"file": str(secret)}, caRef={"file": str(ca)})
    run = made.apply()
    assert run.code != 0
    assert run.planned.plan is not None
    said = " ".join(str(target.error) for target in run.planned.plan.targets)
    assert 'the token lacks rules: intentions in service_prefix "": write, service_prefix "": write' in said, words(run)
    assert made.entries() == {}
    secret.write_text(f"{secure_consul.token}\n")
    assert made.apply().code == 0
    assert "service-router reviews" in made.entries()
    made.store.close()


@pytest.mark.parametrize("sick", ["down", "silent"])
def test_a_server_in_trouble_leaves_other_clusters_alone(consul: Server, tmp_path: Path, sick: str) -> None:
    registered(consul)
    fleet = ConsulFleet(tmp_path, consul)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if sick == "down":
            silent.close()
        fleet.cluster("dc2", {"consul": {"address": f"http://127.0.0.1:{port}"}}, limits={"timeout": "1s"})
        fleet.settings("{mode: Apply, limits: {timeout: 5s}}")
        fleet.commit("a second datacenter")
        run = fleet.apply()
    assert rows(run)["dc2/mesh"] == {"unreachable": 1}
    assert rows(run)["dc1/mesh"]["changed"] == len(run.results)
    assert "service-router reviews" in fleet.entries()
    fleet.store.close()


def test_another_mesh_cannot_be_had_of_consul_servers(fleet: ConsulFleet) -> None:
    fleet.file("desired-state/mesh.yaml", MESH.replace("type: consul", "type: istio"))
    fleet.commit("another mesh")
    run = fleet.apply()
    assert "connection-unfit" in codes(run)
    assert fleet.entries() == {}
