"""Whole runs against App Mesh by the API of AWS: in sync, drift, adoption, order, trouble, and the way out.

The server is one after the model of the API (tests/aws/server.py): AWS has ended the service, and moto serves a part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.io.clusters import open_cluster
from reconciler.model.imports import Back, Fate
from reconciler.model.native import OWNER_LABEL
from reconciler.model.plans import Reason
from reconciler.pipeline.importing.reading import Asked, import_cluster
from reconciler.pipeline.meshes import installed
from reconciler.pipeline.migrate import NoMigration
from reconciler.pipeline.outcome import Run
from tests.aws.fixtures import client, connection, named, shop
from tests.aws.server import AppMesh
from tests.pipeline.fleet import FACTS, Fleet, codes, rows
from tests.pipeline.test_migrate import ISTIOD, ask, by_fate

MESH = """
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {type: appmesh, clusters: [aws]}
"""
SPLIT = """{to: [reviews.shop],
 rule: {route: {v1: 90, v2: 10}, timeout: 7s, retries: {attempts: 3, perTry: 2s, on: [5xx, connect-failure]}}}"""
BETA = "{to: [reviews.shop], match: ['GET /beta/*'], rule: {route: {v2: 1}}}"
ADOPT = "{mode: Apply, unowned: Adopt}"
ROUTER = ("shop", "virtualRouter", "reviews-router")


class AccountFleet(Fleet):
    """A repository whose only cluster is an account, unless more are named."""

    def __init__(self, folder: Path, mesh: AppMesh, **more: Any) -> None:
        self.mesh = mesh
        super().__init__(folder, {"aws": connection(mesh.address), **more})
        self.file("desired-state/mesh.yaml", MESH)
        for name in ("policies/reviews.yaml", "policies/cart.yaml"):
            self.remove(name)
        self.settings(ADOPT)
        self.commit("an account")

    def asks(self, **policies: str) -> None:
        for name, spec in policies.items():
            self.policy(name, " ".join(spec.split()))
        self.commit("policies")
        self.mesh.calls.clear()

    def routes(self) -> dict[str, Any]:
        found = self.mesh.resources
        return {place[4]: one["spec"] for place, one in found.items() if place[:3] == ROUTER and len(place) == 5}


@pytest.fixture
def fleet(app_mesh: AppMesh, tmp_path: Path) -> Iterator[AccountFleet]:
    named(shop(app_mesh.address))
    made = AccountFleet(tmp_path, app_mesh)
    yield made
    made.store.close()


def words(run: Run) -> str:
    return "\n".join([*map(str, run.planned.findings), *(result.message for result in run.results)])


def fingerprint(run: Run) -> frozenset[str]:
    assert run.planned.plan is not None
    return frozenset({target.guard_fingerprint for target in run.planned.plan.targets} - {""})


def test_policies_become_routes_of_the_router_and_a_second_run_finds_nothing(fleet: AccountFleet) -> None:
    fleet.asks(split=SPLIT, beta=BETA)
    first = fleet.apply()
    assert first.code == 0, words(first)
    by_priority = sorted(fleet.routes().values(), key=lambda one: one["priority"])
    assert [one["httpRoute"]["match"] for one in by_priority] == [
        {"path": {"exact": "/beta"}, "method": "GET"},
        {"prefix": "/beta/", "method": "GET"},
        {"prefix": "/"},
    ]
    assert by_priority[2]["httpRoute"]["action"]["weightedTargets"] == [
        {"virtualNode": "reviews-v1", "weight": 90},
        {"virtualNode": "reviews-v2", "weight": 10},
    ]
    assert by_priority[2]["httpRoute"]["retryPolicy"] == {
        "maxRetries": 3, "perRetryTimeout": {"unit": "s", "value": 2},
        "httpRetryEvents": ["server-error"], "tcpRetryEvents": ["connection-error"],
    }  # fmt: skip
    assert fleet.mesh.tags_of(*ROUTER)[OWNER_LABEL] == "main"
    assert OWNER_LABEL not in fleet.mesh.tags_of("shop", "virtualService", "reviews.shop.local")
    fleet.mesh.calls.clear()
    again = fleet.apply()
    assert (again.code, rows(again)) == (0, {"aws/mesh": {"ok": 1}})
    fleet.store.replace_proven("aws", {})  # with nothing remembered, by comparison alone
    third = fleet.apply()
    assert (third.code, rows(third)) == (0, {"aws/mesh": {"ok": 1}})
    assert fleet.mesh.writes == []


def test_every_verdict_says_that_the_service_ended(fleet: AccountFleet) -> None:
    fleet.asks(split=SPLIT)
    plan = fleet.plan().planned.plan
    assert plan is not None
    assert plan.verdicts
    assert all("AWS ended the service on 30 September 2026" in one.note for one in plan.verdicts)


def test_a_change_by_hand_is_drift_and_is_healed(fleet: AccountFleet) -> None:
    fleet.asks(split=SPLIT)
    assert fleet.apply().code == 0
    (name, spec), *_ = fleet.routes().items()
    by_hand = {**spec, "httpRoute": {**spec["httpRoute"], "timeout": {"perRequest": {"unit": "s", "value": 99}}}}
    at = {"meshName": "shop", "virtualRouterName": "reviews-router"}
    fleet.mesh.resources[(*ROUTER, "route", name)]["spec"] = by_hand
    fleet.mesh.resources[(*ROUTER, "route", name)]["metadata"]["version"] += 1
    theirs = {"httpRoute": {"match": {"prefix": "/x"}, "action": spec["httpRoute"]["action"]}, "priority": 9}
    fleet.mesh.answer("PUT", "/v20190125/meshes/shop/virtualRouter/reviews-router/routes", {}, {
        "routeName": "theirs", "spec": theirs})  # fmt: skip
    assert at["meshName"] in fleet.mesh.resources[ROUTER]["meshName"]
    assert rows(fleet.plan())["aws/mesh"]["drifted"] == 1
    run = fleet.apply()
    assert run.code == 0, words(run)
    assert fleet.routes() == {name: spec}
    assert fleet.apply().code == 0


def test_routers_of_others_are_not_taken(fleet: AccountFleet) -> None:
    fleet.settings("{mode: Apply}")
    before = fleet.routes()
    fleet.asks(split=SPLIT)
    run = fleet.apply()
    assert run.planned.plan is not None
    held = {str(one.key): one.withheld for one in run.planned.plan.changes if one.withheld}
    assert held == {"VirtualRouter shop/reviews-router": Reason.UNOWNED}
    assert fleet.routes() == before
    assert fleet.mesh.writes == []


def test_a_node_that_gets_no_request_for_a_while_is_still_known(fleet: AccountFleet) -> None:
    fleet.asks(split="{to: [reviews.shop], rule: {route: {v1: 1}}}")
    assert fleet.apply().code == 0
    (only,) = fleet.routes().values()
    assert [one["virtualNode"] for one in only["httpRoute"]["action"]["weightedTargets"]] == ["reviews-v1"]
    assert (fleet.apply().code, fleet.mesh.writes.count("UpdateRoute")) == (0, 0)
    fleet.asks(split="{to: [reviews.shop], rule: {route: {v1: 1, v2: 1}}}")
    run = fleet.apply()
    assert run.code == 0, words(run)
    (only,) = fleet.routes().values()
    assert [one["virtualNode"] for one in only["httpRoute"]["action"]["weightedTargets"]] == [
        "reviews-v1",
        "reviews-v2",
    ]


def test_which_of_several_nodes_is_meant_has_to_be_said(fleet: AccountFleet) -> None:
    before = fleet.routes()
    fleet.asks(patience="{to: [reviews.shop], rule: {timeout: 1s}}", cart="{to: [cart.shop], rule: {timeout: 1s}}")
    run = fleet.apply()
    assert "those of reviews.shop are: reviews-v1, reviews-v2" in words(run)
    assert "cart.shop.local leads to no VirtualRouter that is its alone" in words(run)
    assert fleet.routes() == before


def test_a_router_stays_while_callers_need_it(fleet: AccountFleet) -> None:
    fleet.asks(split=SPLIT)
    assert fleet.apply().code == 0
    before = fleet.routes()
    fleet.remove("policies/split.yaml")
    fleet.commit("no policies")
    run = fleet.apply(confirmed=fingerprint(fleet.plan()))
    assert run.code != 0
    assert "reviews.shop.local leads to it, and its routes stay" in words(run)
    assert fleet.routes() == before


WHOLE = """
apiVersion: reconciler.dev/v1alpha1
kind: Extension
metadata: {name: bank}
spec:
  objects:
  - {apiVersion: appmesh.k8s.aws/v1beta2, kind: Mesh, metadata: {name: bank}, spec: {egressFilter: {type: ALLOW_ALL}}}
  - apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualNode
    metadata: {name: ledger, namespace: bank}
    spec:
      backends: []
      listeners: [{portMapping: {port: 80, protocol: http}}]
      serviceDiscovery: {dns: {hostname: ledger.bank.local}}
  - apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualRouter
    metadata: {name: ledger, namespace: bank}
    spec:
      listeners: [{portMapping: {port: 80, protocol: http}}]
      routes:
      - name: all
        grpcRoute: {match: {}, action: {weightedTargets: [{virtualNodeRef: {name: ledger}, weight: 1}]}}
  - apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualService
    metadata: {name: ledger.bank.local, namespace: bank}
    spec: {awsName: ledger.bank.local, provider: {virtualRouter: {virtualRouterRef: {name: ledger}}}}
"""


def test_a_whole_mesh_is_made_and_pruned_in_the_order_that_aws_takes(fleet: AccountFleet) -> None:
    fleet.asks(split=SPLIT)
    assert fleet.apply().code == 0
    fleet.file("policies/bank.yaml", WHOLE)
    fleet.commit("a bank")
    fleet.mesh.calls.clear()
    run = fleet.apply()
    assert run.code == 0, words(run)
    assert fleet.mesh.writes == [
        "CreateMesh", "CreateVirtualNode", "CreateVirtualRouter", "CreateRoute", "CreateVirtualService",
    ]  # fmt: skip
    assert rows(fleet.apply()) == {"aws/mesh": {"ok": 5}}
    fleet.store.replace_proven("aws", {})  # with nothing remembered, by comparison alone
    assert rows(fleet.apply()) == {"aws/mesh": {"ok": 5}}
    fleet.remove("policies/bank.yaml")
    fleet.commit("no bank")
    fleet.mesh.calls.clear()
    run = fleet.apply(confirmed=fingerprint(fleet.plan()))
    assert run.code == 0, words(run)
    assert fleet.mesh.writes == [
        "DeleteVirtualService", "DeleteRoute", "DeleteVirtualRouter", "DeleteVirtualNode", "DeleteMesh",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sick", "told"),
    [
        ("throttled", "Rate exceeded"),
        ("denied", "not authorized to perform appmesh:ListMeshes"),
        ("gone", "nobody answers; AWS ended the service on 30 September 2026"),
    ],
)
def test_an_account_in_trouble_leaves_other_clusters_alone_and_is_named(
    app_mesh: AppMesh, tmp_path: Path, sick: str, told: str
) -> None:
    named(shop(app_mesh.address))
    fleet = AccountFleet(tmp_path, app_mesh, eu=None)
    fleet.file(
        "desired-state/other.yaml", MESH.replace("appmesh", "istio").replace("mesh}", "other}").replace("aws", "eu")
    )
    fleet.asks(split=SPLIT, cart="{to: [cart.shop], rule: {timeout: 1s}}")
    if sick == "throttled":
        app_mesh.throttled = 10**6
    elif sick == "denied":
        app_mesh.denied = ("List",)
    else:
        fleet.cluster("aws", connection("http://127.0.0.1:1"))
        fleet.commit("nobody there")
    run = fleet.apply()
    assert rows(run)["aws/mesh"] == {"unreachable": 1}
    assert run.planned.plan is not None
    (error,) = (target.error for target in run.planned.plan.targets if target.target.cluster == "aws")
    assert told in str(error)
    assert rows(run)["eu/other"]["changed"] >= 1
    assert "VirtualService cart" in " ".join(fleet.live("eu"))
    assert app_mesh.writes == []
    fleet.store.close()


def test_a_write_that_is_denied_is_told_in_the_words_of_aws(fleet: AccountFleet) -> None:
    fleet.mesh.denied = ("TagResource",)
    before = fleet.routes()
    fleet.asks(split=SPLIT)
    run = fleet.apply()
    assert run.code != 0
    assert "not authorized to perform appmesh:TagResource" in words(run)
    assert fleet.routes() == before


def test_what_broke_off_in_the_middle_is_finished_by_the_next_run(fleet: AccountFleet) -> None:
    fleet.mesh.denied = ("DeleteRoute",)
    fleet.asks(split=SPLIT, beta=BETA)
    run = fleet.apply()
    assert "not authorized to perform appmesh:DeleteRoute" in words(run)
    assert "all" in fleet.routes()
    fleet.mesh.denied = ()
    run = fleet.apply()
    assert run.code == 0, words(run)
    assert len(fleet.routes()) == 3
    assert "all" not in fleet.routes()
    assert rows(fleet.apply()) == {"aws/mesh": {"ok": 1}}


def test_another_mesh_cannot_be_had_of_an_account(fleet: AccountFleet) -> None:
    fleet.file("desired-state/mesh.yaml", MESH.replace("appmesh", "istio"))
    fleet.asks(split=SPLIT)
    run = fleet.apply()
    assert "connection-unfit" in codes(run)
    assert fleet.mesh.writes == []


def imported(fleet: AccountFleet) -> Any:
    tree = fleet.world().source.tree("worktree")
    asked = Asked(installed(), fleet.at)
    return asyncio.run(import_cluster(tree, "aws", lambda one: open_cluster(one, fleet.repo), asked))


def test_what_lives_there_becomes_documents_that_come_back_as_it_is(fleet: AccountFleet) -> None:
    before = fleet.routes()
    fleet.mesh.tags_of("shop")["aws:cloudformation:stack-name"] = "shop"
    made = imported(fleet)
    (mesh,) = (one for one in made.taken if one.key.kind == "Mesh")
    assert mesh.remarks == ("CloudFormation looks after it, too: have it let go before this is applied",)
    fates = {str(one.key): (one.fate, one.back) for one in made.taken}
    assert fates == {
        "VirtualRouter shop/reviews-router": (Fate.NEUTRAL, Back.RESPELLED),
        "VirtualService shop/reviews.shop.local": (Fate.OBJECT, Back.SAME),
        "VirtualService shop/cart.shop.local": (Fate.OBJECT, Back.SAME),
        "VirtualNode shop/reviews-v1": (Fate.OBJECT, Back.SAME),
        "VirtualNode shop/reviews-v2": (Fate.OBJECT, Back.SAME),
        "VirtualNode shop/cart": (Fate.OBJECT, Back.SAME),
        "Mesh shop": (Fate.OBJECT, Back.SAME),
    }
    for path, content in made.files.items():
        fleet.file(path, content)
    fleet.commit("imported")
    run = fleet.apply()
    assert run.code == 0, words(run)
    (only,), (old,) = fleet.routes().values(), before.values()
    assert only["httpRoute"] == old["httpRoute"]
    assert fleet.apply().code == 0


def test_a_target_that_another_service_says_more_about_is_named_by_that(fleet: AccountFleet) -> None:
    api, at = client(fleet.mesh.address), {"meshName": "shop", "virtualRouterName": "front"}
    listening = {"listeners": [{"portMapping": {"port": 9080, "protocol": "http"}}]}
    api.create_virtual_router(**at, spec=listening)
    aims = {"/a": "reviews-v1", "/b": "cart", "/c": "front"}
    alone = {**listening, "serviceDiscovery": {"dns": {"hostname": "front.shop.local"}}}
    api.create_virtual_node(meshName="shop", virtualNodeName="front", spec=alone)
    for number, (prefix, node) in enumerate(aims.items()):
        action = {"weightedTargets": [{"virtualNode": node, "weight": 1}]}
        spec = {"priority": number, "httpRoute": {"match": {"prefix": prefix}, "action": action}}
        api.create_route(**at, routeName=f"to-{node}", spec=spec)
    provider = {"virtualRouter": {"virtualRouterName": "front"}}
    api.create_virtual_service(meshName="shop", virtualServiceName="front.shop.local", spec={"provider": provider})
    made = imported(fleet)
    assert {str(one.key): one.fate for one in made.taken}["VirtualRouter shop/front"] is Fate.NEUTRAL
    said = list(yaml.safe_load_all(made.files["policies/imported/shop/front.yaml"]))
    assert [one["spec"]["rule"]["route"][0]["to"] for one in said if "rule" in one["spec"]] == [
        {"services": ["reviews.shop"], "subset": {"version": "v1"}},
        "cart.shop",
        {"services": ["front.shop"], "subset": {"virtualNode": "front"}},
    ]


SLOW = "{to: [reviews.shop], match: ['GET /slow'], rule: {fault: {delay: {duration: 1s}}}}"


def leaving(folder: Path, mesh: AppMesh, to: str, facts: Any) -> AccountFleet:
    """An account, and a cluster to move to."""
    named(shop(mesh.address))
    fleet = AccountFleet(folder, mesh, eu=None)
    other = MESH.replace("appmesh", to).replace("name: mesh", "name: other").replace("[aws]", "[eu]")
    fleet.file("desired-state/other.yaml", other)
    fleet.facts("eu", facts)
    fleet.asks(split=SPLIT, beta=BETA, slow=SLOW)
    return fleet


def test_what_a_move_to_another_cluster_keeps_and_gains_is_known_beforehand(app_mesh: AppMesh, tmp_path: Path) -> None:
    fleet = leaving(tmp_path, app_mesh, "istio", ISTIOD)
    made = ask(fleet, "appmesh", "other")
    found = by_fate(made)
    assert {"split traffic.retries.perTry", "split traffic.route.subset", "beta traffic.match.methods"} <= found["kept"]
    assert "slow traffic.fault.delay" in found["gained"]
    assert not made.blocked
    (move,) = (stage for stage in made.stages if stage.title == "Move shop")
    assert "Deploy the services of shop to eu" in move.words[0]
    assert ": cart, reviews." in move.words[0]
    fleet.facts("eu", [*ISTIOD, *FACTS])
    (move,) = (stage for stage in ask(fleet, "appmesh", "other").stages if stage.title == "Move shop")
    assert "all are there" in move.words[0]
    fleet.store.close()


def test_what_stops_a_move_is_told(app_mesh: AppMesh, tmp_path: Path) -> None:
    fleet = leaving(tmp_path, app_mesh, "smi", [])
    made = ask(fleet, "appmesh", "other")
    assert made.blocked
    assert "split traffic.retries.attempts" in by_fate(made)["blocked"]
    assert len([one for one in made.foreign if one.cluster == "aws"]) == 7
    fleet.store.close()


def test_an_account_can_have_no_other_mesh_so_a_move_needs_a_cluster(fleet: AccountFleet) -> None:
    fleet.asks(split=SPLIT)
    with pytest.raises(NoMigration, match="write a Cluster and a Mesh to move to"):
        ask(fleet, "appmesh", "istio")
