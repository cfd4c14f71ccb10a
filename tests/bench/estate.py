"""The repository and the clusters that are measured: one namespace of services, and one traffic policy for each."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.raw import Call, send_all
from tests.kube import crds
from tests.kube.control_plane import ApiServer

NAMESPACE = "bench"
ROUTES = "/apis/networking.istio.io/v1/namespaces/bench/virtualservices"
HEAD = "apiVersion: reconciler.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def service(number: int) -> str:
    return f"svc-{number:05}"


@dataclass(frozen=True)
class Estate:
    """A Git repository for some clusters. ``repo`` is its work tree, ``state`` where the reconciler keeps its own."""

    folder: Path

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
        return subprocess.run(command, cwd=self.repo, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def write(self, name: str, kind: str, spec: str, folder: str = "desired-state") -> None:
        path = self.repo / folder / f"{kind.lower()}-{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD.format(kind=kind, name=name, spec=spec))

    def policies(self, numbers: Sequence[int], seconds: int = 3) -> None:
        """One file with one policy for each service."""
        for number in numbers:
            spec = f"{{to: [{service(number)}.{NAMESPACE}], rule: {{timeout: {seconds}s}}}}"
            self.write(service(number), "TrafficPolicy", spec, "policies")


def estate(folder: Path, connections: dict[str, dict[str, Any]], size: int, mesh: str) -> Estate:
    """A committed repository over those clusters, in mode Apply, with ``size`` policies."""
    made = Estate(folder)
    made.repo.mkdir(parents=True)
    made.git("init", "-q", "-b", "main")
    made.write("main", "Reconciler", "{mode: Apply, limits: {timeout: 300s}}")
    made.write("mesh", "Mesh", f"{{type: {mesh}, clusterSelector: {{}}}}")
    for name, connection in connections.items():
        made.write(name, "Cluster", json.dumps({"connection": connection}))
    made.policies(range(size))
    made.commit("base")
    return made


def kubeconfig(server: ApiServer) -> dict[str, Any]:
    return {"kubeconfig": {"path": str(server.kubeconfig)}}


def service_body(number: int) -> dict[str, Any]:
    name = service(number)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }


def furnish(server: ApiServer, size: int) -> None:
    """Namespace, mesh CRDs and services on a cluster; what is there already stays."""
    crds.install(server, crds.adapter_crds())
    labels = {"istio-injection": "enabled"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    server.request("POST", "/api/v1/namespaces", body)
    path = f"/api/v1/namespaces/{NAMESPACE}/services"
    bodies = [json.dumps(service_body(number)).encode() for number in range(size)]
    send_all(server, [Call("POST", path, body, "application/json") for body in bodies], accepted=(201, 409))


def wipe(server: ApiServer) -> None:
    """Every route of the namespace is gone."""
    status, answer = server.request("DELETE", ROUTES)
    assert status == 200, answer
    while server.request("GET", f"{ROUTES}?limit=1")[1]["items"]:
        server.request("DELETE", ROUTES)
