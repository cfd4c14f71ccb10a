"""The example with a real cluster, on a real API server: runs by a kubeconfig, and manifests that it accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.examples.console import Console
from tests.examples.test_examples import EXAMPLES, copied
from tests.kube.control_plane import ApiServer
from tests.pipeline.fleet import service

PLACES = {
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}


@pytest.fixture
def console(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Console:
    """The example, with the API server as eu-1 and its service in a namespace of this test alone."""
    status, answer = kube.request(
        "POST", f"/api/v1/namespaces/{fresh_namespace}/services", service("orders", fresh_namespace)
    )
    assert status == 201, answer
    made = copied("kubernetes", tmp_path)
    config = yaml.safe_load(Path(kube.kubeconfig).read_text())
    for name, old, new in (
        ("desired-state/inventory.yaml", "path: ~/.kube/config", f"path: {kube.kubeconfig}"),
        ("desired-state/inventory.yaml", "context: eu-1", f"context: {config['current-context']}"),
        ("desired-state/reconciler.yaml", "name: kubernetes", f"name: {fresh_namespace}"),
        ("policies/orders.yaml", "orders.shop", f"orders.{fresh_namespace}"),
    ):
        text = (made.repo / name).read_text()
        assert old in text
        (made.repo / name).write_text(text.replace(old, new))
    assert made.run("git commit -qam 'A cluster of ours'") == (0, "")
    return made


def test_it_is_planned_applied_and_then_in_sync(console: Console, kube: ApiServer, fresh_namespace: str) -> None:
    assert console.run("reconciler plan --limit eu-1")[0] == 2
    path = f"/apis/networking.istio.io/v1/namespaces/{fresh_namespace}/virtualservices"
    assert kube.request("GET", path)[1]["items"] == []
    code, out = console.run("reconciler apply --limit eu-1")
    assert code == 0, out
    (found,) = kube.request("GET", path)[1]["items"]
    assert found["spec"]["http"][0]["timeout"] == "3s"
    assert found["spec"]["http"][0]["retries"]["attempts"] == 2
    code, out = console.run("reconciler apply --limit eu-1 -o json")
    assert (code, json.loads(out)["results"]) == (0, [])


def test_outside_of_a_pod_the_other_cluster_is_unreachable_and_says_why(console: Console) -> None:
    code, out = console.run("reconciler plan --limit here")
    assert code == 4
    assert "in-cluster" in out


@pytest.mark.parametrize("name", ["rbac.yaml", "daemon.yaml"])
def test_the_api_server_accepts_the_manifests(name: str, kube: ApiServer, fresh_namespace: str) -> None:
    text = (EXAMPLES / "kubernetes" / "deploy" / name).read_text()
    bodies = list(yaml.safe_load_all(text.replace("namespace: mesh", f"namespace: {fresh_namespace}")))
    assert bodies
    for body in bodies:
        if "namespace" in body["metadata"]:
            body["metadata"]["namespace"] = fresh_namespace
        path = PLACES[body["kind"]].format(fresh_namespace)
        status, answer = kube.request("POST", f"{path}?dryRun=All&fieldValidation=Strict", body)
        assert status == 201, answer


def test_the_daemon_takes_its_arguments(console: Console) -> None:
    """The arguments of the pod, with what only the pod has replaced by what is here."""
    manifests = yaml.safe_load_all((EXAMPLES / "kubernetes/deploy/daemon.yaml").read_text())
    (container,) = next(body for body in manifests if body["kind"] == "Deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    here = {
        "--state=/var/lib/reconciler": f"--state={console.state}",
        "--repo=https://git.example.org/mesh-fleet.git": f"--repo=file://{console.repo}",
        "--git-token-file=/var/run/git/token": f"--git-token-file={console.state}/token",
        "--limit=here": "--limit=eu-1",
        "--listen=0.0.0.0:8080": "--listen=127.0.0.1:0",
    }
    assert set(here) < set(container["args"])
    (console.state / "token").write_text("none")
    arguments = " ".join(here.get(argument, argument) for argument in container["args"])
    code, out = console.run(f"reconciler {arguments} --once")
    assert code == 0, out
    assert [json.loads(line) for line in out.splitlines()]
    assert console.run("reconciler status")[0] == 0
