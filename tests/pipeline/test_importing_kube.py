"""Imports from a real kube-apiserver: what other clients wrote there is read, adopted, and only marked as ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.importing import no_importer
from reconciler.cli.main import run
from reconciler.io.clusters import open_cluster
from reconciler.model.imports import Back, Fate
from reconciler.pipeline.importing.reading import Asked, import_cluster
from reconciler.pipeline.meshes import installed
from tests.kube.control_plane import ApiServer
from tests.pipeline.fleet import rows
from tests.pipeline.test_importing import EXACT, RESPELLED, backs, changed, only_marks, write
from tests.pipeline.test_kube import KubeFleet

GATEWAY_API = "/apis/gateway.networking.k8s.io/v1"
PLURALS = {
    "VirtualService": "virtualservices", "DestinationRule": "destinationrules", "Gateway": "gateways",
    "AuthorizationPolicy": "authorizationpolicies", "PeerAuthentication": "peerauthentications",
    "HTTPRoute": "httproutes",
}  # fmt: skip

MESH = """
    apiVersion: reconciler.dev/v1alpha1
    kind: Mesh
    metadata: {name: mesh}
    spec: {type: gateway-api, clusterSelector: {}}
"""
ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "reviews-route", "namespace": "shop"},
    "spec": {
        "parentRefs": [{"group": "", "kind": "Service", "name": "reviews", "port": 80}],
        "rules": [
            {
                "matches": [{"path": {"value": "/a"}, "headers": [{"name": "x-a", "value": "1"}]}],
                "backendRefs": [{"name": "cart", "port": 80}],
                "timeouts": {"request": "3s"},
            },
            {"backendRefs": [{"name": "reviews", "port": 80}]},
        ],
    },
}


@pytest.fixture
def bare(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[KubeFleet]:
    made = KubeFleet(tmp_path, [kube], fresh_namespace)
    for name in ("reviews", "cart"):
        made.remove(f"policies/{name}.yaml")
    made.settings(f"{{mode: Apply, owner: {fresh_namespace}, unowned: Adopt, limits: {{timeout: 20s}}}}")
    made.commit("no policies")
    yield made
    made.store.close()


def there(fleet: KubeFleet, body: dict[str, Any]) -> None:
    """An object as somebody else wrote it, in the namespace of this test."""
    mine = json.loads(json.dumps(body).replace(".shop.svc", f".{fleet.namespace}.svc"))
    mine["metadata"]["namespace"] = fleet.namespace
    mine["metadata"]["labels"] = {"team": "shop"}
    group = f"/apis/{mine['apiVersion']}"
    url = fleet.url(PLURALS[mine["kind"]], group=group) + "?fieldManager=kubectl-client-side-apply"
    status, answer = fleet.servers[0].request("POST", url, mine)
    assert status == 201, answer


def test_what_others_wrote_is_imported_and_adopted_by_marks_alone(bare: KubeFleet) -> None:
    for body in EXACT:
        there(bare, body)
    tree = bare.world().source.tree("worktree")
    asked = Asked(installed(), bare.at, namespaces=(bare.namespace,))
    made = asyncio.run(import_cluster(tree, "c0", lambda one: open_cluster(one, bare.repo), asked))
    assert {back for _, back in backs(made).values()} == {Back.SAME}
    assert len(made.taken) == len(EXACT)
    write(bare, made)
    plan = bare.plan()
    assert len(changed(plan)) == len(EXACT)
    assert only_marks(changed(plan))
    before = bare.get("virtualservices", "reviews-route")
    assert rows(bare.apply()) == {"c0/mesh": {"changed": 5}}
    after = bare.get("virtualservices", "reviews-route")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["metadata"]["labels"]["team"] == "shop"
    assert rows(bare.apply()) == {"c0/mesh": {"ok": 5}}


def test_another_spelling_is_written_once_and_then_in_sync(bare: KubeFleet) -> None:
    there(bare, RESPELLED)
    tree = bare.world().source.tree("worktree")
    asked = Asked(installed(), bare.at, namespaces=(bare.namespace,))
    made = asyncio.run(import_cluster(tree, "c0", lambda one: open_cluster(one, bare.repo), asked))
    assert {back for _, back in backs(made).values()} == {Back.RESPELLED}
    write(bare, made)
    assert rows(bare.apply()) == {"c0/mesh": {"changed": 1}}
    hosts = bare.get("virtualservices", "checkout")["spec"]["hosts"]
    assert hosts == [f"checkout.{bare.namespace}.svc.cluster.local"]
    assert rows(bare.apply()) == {"c0/mesh": {"ok": 1}}


def test_what_the_server_fills_in_is_no_difference(bare: KubeFleet) -> None:
    """Routes of Gateway API come back from the server with much that nobody wrote."""
    bare.file("desired-state/mesh.yaml", MESH)
    bare.commit("Gateway API")
    there(bare, ROUTE)
    assert "weight" in bare.get("httproutes", "reviews-route", group=GATEWAY_API)["spec"]["rules"][0]["backendRefs"][0]
    tree = bare.world().source.tree("worktree")
    asked = Asked(installed(), bare.at, namespaces=(bare.namespace,), exact=True)
    made = asyncio.run(import_cluster(tree, "c0", lambda one: open_cluster(one, bare.repo), asked))
    assert {key.partition(" ")[0]: back for key, (_, back) in backs(made).items()} == {"HTTPRoute": Back.SAME}
    assert {one.fate for one in made.taken} == {Fate.NEUTRAL}
    write(bare, made)
    assert only_marks(changed(bare.plan()))
    assert rows(bare.apply()) == {"c0/mesh": {"changed": 1}}
    assert rows(bare.apply()) == {"c0/mesh": {"ok": 1}}


def test_what_the_definitions_of_the_cluster_have_can_be_said(bare: KubeFleet) -> None:
    """Mirrors in a list came with a later version: they are taken over where the cluster's definitions have them."""
    host = "reviews.shop.svc.cluster.local"
    route = {"name": "default", "route": [{"destination": {"host": host}}]}
    mirrors = [{"destination": {"host": "cart.shop.svc.cluster.local"}, "percentage": {"value": 5}}]
    spec = {"hosts": [host], "http": [{**route, "mirrors": mirrors}]}
    there(bare, {**EXACT[0], "metadata": {"name": "reviews", "namespace": "shop"}, "spec": spec})
    tree = bare.world().source.tree("worktree")
    asked = Asked(installed(), bare.at, namespaces=(bare.namespace,))
    made = asyncio.run(import_cluster(tree, "c0", lambda one: open_cluster(one, bare.repo), asked))
    assert set(backs(made).values()) == {(Fate.NEUTRAL, Back.SAME)}


def test_a_cluster_that_no_repository_has(bare: KubeFleet, capsys: pytest.CaptureFixture[str]) -> None:
    for one in (EXACT[0], ROUTE):
        there(bare, one)
    where = ["import", "--kubeconfig", str(bare.servers[0].kubeconfig), "--namespace", bare.namespace]
    assert run([*where, "--mesh", "istio"]) == 0
    out = capsys.readouterr().out
    assert [body["kind"] for body in yaml.safe_load_all(out)] == ["TrafficPolicy"]
    assert f"to: [reviews.{bare.namespace}]" in out
    assert run(where) == 0  # of the meshes that can be imported, the one that shows itself there
    assert "HTTPRoute" in capsys.readouterr().out
    assert run([*where, "--mesh", "nothing"]) == 1
    known = sorted(name for name, adapter in installed().items() if adapter.importer is not no_importer)
    assert f"known: {', '.join(known)}" in capsys.readouterr().err
