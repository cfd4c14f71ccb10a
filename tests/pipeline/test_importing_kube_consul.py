"""Imports of custom resources of consul-k8s from a real kube-apiserver: read, taken over, in sync, and unchanged.

The mesh knows services by name alone and the server is shared by tests, so these services have names of their own.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reconciler.io.clusters import open_cluster
from reconciler.model.imports import Back, Fate
from reconciler.pipeline.importing.reading import Asked, import_cluster
from reconciler.pipeline.meshes import installed
from tests.pipeline.fleet import rows, service
from tests.pipeline.test_importing import backs, changed, only_marks, write
from tests.pipeline.test_kube import KubeFleet, kube_fleet
from tests.pipeline.test_kube_consul import GROUP, MESH, name

__all__ = ["kube_fleet"]
pytestmark = pytest.mark.kube
SUBSETS = {one: {"filter": f"Service.Meta.version == {one}"} for one in ("v1", "v2")}
API = {"pathPrefix": "/api/", "methods": ["GET"]}


@pytest.fixture
def bare(kube_fleet: KubeFleet) -> KubeFleet:
    """A fleet without policies, that adopts what it finds."""
    body = service(name(kube_fleet), kube_fleet.namespace)
    path = f"/api/v1/namespaces/{kube_fleet.namespace}/services"
    assert kube_fleet.servers[0].request("POST", path, body)[0] == 201
    for policy in ("reviews", "cart"):
        kube_fleet.remove(f"policies/{policy}.yaml")
    kube_fleet.settings(f"{{mode: Apply, owner: {kube_fleet.namespace}, unowned: Adopt, limits: {{timeout: 20s}}}}")
    kube_fleet.file("desired-state/mesh.yaml", MESH)
    kube_fleet.commit("no policies")
    return kube_fleet


def there(fleet: KubeFleet, kind: str, plural: str, spec: Any) -> None:
    """A custom resource as somebody else wrote it."""
    head = {"apiVersion": "consul.hashicorp.com/v1alpha1", "kind": kind}
    body = {**head, "metadata": {"name": name(fleet), "namespace": fleet.namespace, "labels": {"team": "shop"}}}
    url = f"{fleet.url(plural, group=GROUP)}?fieldManager=kubectl-client-side-apply"
    status, answer = fleet.servers[0].request("POST", url, {**body, "spec": spec})
    assert status == 201, answer


def test_what_others_wrote_is_taken_over_by_marks_and_one_spelling(bare: KubeFleet) -> None:
    canary = [{"weight": 90, "serviceSubset": "v1"}, {"weight": 10, "serviceSubset": "v2"}]
    route = {"match": {"http": {"pathPrefix": "/beta"}}, "destination": {"serviceSubset": "v2", "requestTimeout": "3s"}}
    sources = [
        {
            "name": "caller",
            "permissions": [{"action": "allow", "http": API}, {"action": "deny", "http": {"pathPrefix": "/"}}],
        },
        {"name": "*", "action": "deny"},
    ]
    there(bare, "ServiceDefaults", "servicedefaults", {"protocol": "http", "meshGateway": {"mode": "local"}})
    there(bare, "ServiceResolver", "serviceresolvers", {"defaultSubset": "v1", "subsets": SUBSETS})
    there(bare, "ServiceSplitter", "servicesplitters", {"splits": canary})
    there(bare, "ServiceRouter", "servicerouters", {"routes": [route]})
    there(bare, "ServiceIntentions", "serviceintentions", {"destination": {"name": name(bare)}, "sources": sources})
    tree = bare.world().source.tree("worktree")
    asked = Asked(installed(), bare.at, namespaces=(bare.namespace,))
    made = asyncio.run(import_cluster(tree, "c0", lambda one: open_cluster(one, bare.repo), asked))
    found = {key.partition(" ")[0]: back for key, back in backs(made).items()}
    assert found == {
        "ServiceDefaults": (Fate.NATIVE, Back.SAME),
        "ServiceIntentions": (Fate.NEUTRAL, Back.SAME),
        "ServiceResolver": (Fate.NATIVE, Back.SAME),
        "ServiceRouter": (Fate.NEUTRAL, Back.SAME),
        "ServiceSplitter": (Fate.NEUTRAL, Back.RESPELLED),  # with the name of the service in each share
    }
    write(bare, made)
    plan = changed(bare.plan())
    assert only_marks({key: fields for key, fields in plan.items() if not key.startswith("ServiceSplitter ")})
    assert rows(bare.apply()) == {"c0/mesh": {"changed": 5}}
    router = bare.get("servicerouters", name(bare), group=GROUP)
    assert router["spec"]["routes"] == [route]
    assert router["metadata"]["labels"]["team"] == "shop"
    assert rows(bare.apply()) == {"c0/mesh": {"ok": 5}}
