"""What Linkerd has on a real kube-apiserver, defaults of its definitions filled in: adopted by marks alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.clusters import open_cluster
from reconciler.model.imports import Back, Fate
from reconciler.pipeline.importing.reading import Asked, import_cluster
from reconciler.pipeline.meshes import installed
from tests.kube.control_plane import ApiServer
from tests.pipeline.fleet import rows
from tests.pipeline.test_importing import backs, changed, only_marks, write
from tests.pipeline.test_importing_linkerd import ALLOW, BREAKER, CALLERS, MESH, ROUTE, SERVER
from tests.pipeline.test_kube import KubeFleet

pytestmark = pytest.mark.kube
PLURALS = {
    "HTTPRoute": "httproutes",
    "Server": "servers",
    "MeshTLSAuthentication": "meshtlsauthentications",
    "AuthorizationPolicy": "authorizationpolicies",
}


@pytest.fixture
def bare(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[KubeFleet]:
    made = KubeFleet(tmp_path, [kube], fresh_namespace)
    for name in ("reviews", "cart"):
        made.remove(f"policies/{name}.yaml")
    made.file("desired-state/mesh.yaml", MESH)
    made.settings(f"{{mode: Apply, owner: {fresh_namespace}, unowned: Adopt, limits: {{timeout: 20s}}}}")
    made.commit("no policies")
    yield made
    made.store.close()


def there(fleet: KubeFleet, body: dict[str, Any]) -> None:
    """An object as somebody else wrote it, in the namespace of this test."""
    mine = json.loads(json.dumps(body).replace('"shop"', f'"{fleet.namespace}"'))
    url = fleet.url(PLURALS[mine["kind"]], group=f"/apis/{mine['apiVersion']}") + "?fieldManager=kubectl"
    status, answer = fleet.servers[0].request("POST", url, mine)
    assert status == 201, answer


def annotated(fleet: KubeFleet, name: str, **said: str) -> None:
    body = fleet.get("services", name, group="/api/v1")
    body["metadata"]["annotations"] = {**(body["metadata"].get("annotations") or {}), **said}
    url = fleet.url("services", name, "/api/v1") + "?fieldManager=kubectl-annotate"
    assert fleet.servers[0].request("PUT", url, body)[0] == 200


def test_what_others_wrote_is_imported_and_adopted_by_marks_alone(bare: KubeFleet) -> None:
    for body in (ROUTE, SERVER, CALLERS, ALLOW):
        there(bare, body)
    annotated(bare, "reviews", **{BREAKER: "consecutive", f"{BREAKER}-consecutive-max-failures": "5"})
    tree = bare.world().source.tree("worktree")
    asked = Asked(installed(), bare.at, namespaces=(bare.namespace,))
    made = asyncio.run(import_cluster(tree, "c0", lambda one: open_cluster(one, bare.repo), asked))
    assert {back for _, back in backs(made).values()} == {Back.SAME}
    assert {one.fate for one in made.taken} <= {Fate.NEUTRAL, Fate.NATIVE}
    assert len(made.taken) == 5
    write(bare, made)
    fields = changed(bare.plan())
    assert len(fields) == 5
    assert only_marks(fields), fields
    before = bare.get("services", "reviews", group="/api/v1")["spec"]
    assert rows(bare.apply()) == {"c0/mesh": {"changed": 5}}
    assert bare.get("services", "reviews", group="/api/v1")["spec"] == before
    assert rows(bare.apply()) == {"c0/mesh": {"ok": 5}}
