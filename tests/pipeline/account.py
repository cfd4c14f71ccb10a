"""A fleet of one API server that runs reach as a service account of their own, with the rights that a test gives it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from reconciler.io.kube.cluster import KubeCluster
from reconciler.model.clusters import ClusterLimits, KubeconfigConnection
from reconciler.model.rights import Right
from reconciler.pipeline.outcome import Run
from tests.kube.control_plane import ApiServer
from tests.pipeline.fleet import Fleet, service

RBAC = "rbac.authorization.k8s.io"
#: what Git asks after ``everything`` becomes at least one object of each of these kinds
WRITTEN = (
    ("", "configmaps"),
    ("extensions.istio.io", "wasmplugins"),
    ("networking.istio.io", "destinationrules"),
    ("networking.istio.io", "envoyfilters"),
    ("networking.istio.io", "gateways"),
    ("networking.istio.io", "proxyconfigs"),
    ("networking.istio.io", "serviceentries"),
    ("networking.istio.io", "sidecars"),
    ("networking.istio.io", "virtualservices"),
    ("networking.istio.io", "workloadgroups"),
    ("security.istio.io", "authorizationpolicies"),
    ("security.istio.io", "peerauthentications"),
    ("security.istio.io", "requestauthentications"),
    ("telemetry.istio.io", "telemetries"),
)
OBJECTS = """{objects: [
  {apiVersion: networking.istio.io/v1alpha3, kind: WorkloadGroup, metadata: {name: own, namespace: NS},
   spec: {template: {serviceAccount: own}}},
  {apiVersion: networking.istio.io/v1beta1, kind: ProxyConfig, metadata: {name: own, namespace: NS},
   spec: {concurrency: 2}},
  {apiVersion: v1, kind: ConfigMap, metadata: {name: own, namespace: NS}, data: {color: red}}]}"""
VERSIONS = {
    "": "/api/v1",
    "networking.istio.io": "/apis/networking.istio.io/v1alpha3",
    "proxyconfigs": "/apis/networking.istio.io/v1beta1",
    "extensions.istio.io": "/apis/extensions.istio.io/v1alpha1",
    "telemetry.istio.io": "/apis/telemetry.istio.io/v1alpha1",
}
#: by name: kind and spec; beside what the fleet has at first, all that makes a kind of WRITTEN
POLICIES = {
    "readers": ("AccessPolicy", "{action: Allow, from: [sa/web.NS], to: [reviews.NS]}"),
    "encrypted": ("TrafficPolicy", "{to: [reviews.NS], rule: {mtls: Strict}}"),
    "own": ("Extension", OBJECTS),
    "tokens": ("AccessPolicy", "{action: Allow, from: [sa/web.NS], to: [cart.NS], jwt: {providers: [{issuer: id}]}}"),
    "reach": ("AccessPolicy", "{effects: [Scope], from: [ns/NS], to: [reviews.NS]}"),
    "billing": (
        "Destination",
        "{hosts: [billing.NS.example], ports: [{number: 80, name: http, protocol: HTTP}],"
        " workloads: [{address: 10.8.0.1, serviceAccount: {name: billing, namespace: NS}}]}",
    ),
    "seen": ("TelemetryPolicy", "{workloads: [reviews.NS], tracing: {percent: 5}}"),
    "code": ("Extension", "{workloads: [reviews.NS], wasm: {image: registry.example.org/a:1}}"),
    "script": ("Extension", "{workloads: [reviews.NS], lua: {inline: 'function envoy_on_request(handle) end'}}"),
    "edge": (
        "Ingress",
        "{gateways: [{gateway: public}], listeners: [{name: http, port: 80, protocol: HTTP, hosts: [a.NS.example]}],"
        " routes: [{listeners: [http], then: {route: [{to: cart.NS}]}}]}",
    ),
}
GATEWAY = "{name: public, role: Ingress, namespace: NS, selector: {matchLabels: {istio: ingressgateway}}}"


class Account(Fleet):
    """The account ``runner`` of the test's namespace; it may do nothing before ``allow``."""

    def __init__(self, folder: Path, server: ApiServer, namespace: str) -> None:
        self.server, self.namespace = server, namespace
        self.role_name = f"runner-{namespace}"
        kubeconfig = folder / "runner.kubeconfig"
        super().__init__(folder, {"eu": {"kubeconfig": {"path": str(kubeconfig)}}})
        for name in ("reviews", "cart"):
            self.made("POST", f"/api/v1/namespaces/{namespace}/services", service(name, namespace))
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.made("POST", accounts, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner"}})
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = self.made("POST", f"{accounts}/runner/token", request)["status"]["token"]
        kubeconfig.write_text(json.dumps(server.config({"token": token})))
        self.kubeconfig = kubeconfig
        self.policy("reviews", f"{{to: [reviews.{namespace}], rule: {{route: {{v1: 90, v2: 10}}, timeout: 3s}}}}")
        self.policy("cart", f"{{to: [cart.{namespace}], rule: {{timeout: 1s}}}}")
        self.settings(f"{{mode: Apply, owner: {namespace}}}")
        self.commit("on this namespace")

    def everything(self) -> None:
        """Git asks for every kind of WRITTEN."""
        mesh = f"{{type: istio, clusterSelector: {{}}, gateways: [{GATEWAY}]}}"
        head = "apiVersion: reconciler.dev/v1alpha1\nkind: Mesh\nmetadata: {name: mesh}\n"
        self.file("desired-state/mesh.yaml", f"{head}spec: {mesh}\n".replace("NS", self.namespace))
        for name, (kind, spec) in POLICIES.items():
            self.policy(name, spec.replace("NS", self.namespace), kind)
        self.commit("everything")

    def made(self, method: str, path: str, body: Any) -> Any:
        status, answer = self.server.request(method, path, body)
        assert status in (200, 201), answer
        return answer

    def printed(self, *arguments: str) -> list[dict[str, Any]]:
        """The documents that ``reconciler rbac`` prints for the repository, bound to the account."""
        command = [sys.executable, "-m", "reconciler", "--state", str(self.folder / "none"), "rbac"]
        command += ["--repo", str(self.repo), "--binding", f"{self.namespace}/runner", "--name", self.role_name]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return list(yaml.safe_load_all(done.stdout))

    def allow(self, documents: Iterable[Mapping[str, Any]], denied: Iterable[Right] = ()) -> None:
        """Apply the printed documents, and wait until the server goes by them, and by nothing from before."""
        documents = list(documents)
        for body in documents:
            kind, name = body["kind"], body["metadata"]["name"]
            place = f"/namespaces/{body['metadata']['namespace']}" if "namespace" in body["metadata"] else ""
            group = "/api/v1" if kind == "ServiceAccount" else f"/apis/{RBAC}/v1"
            status, answer = self.server.apply(f"{group}{place}/{kind.lower()}s/{name}", body)
            assert status in (200, 201), answer
        granted = {right for body in documents if body["kind"] == "ClusterRole" for right in rights_of(body)}
        self.await_missing(granted | set(denied), denied)

    def await_missing(self, asked: Iterable[Right], expected: Iterable[Right]) -> None:
        end = time.monotonic() + 120
        while (found := self.missing(asked)) != set(expected):
            assert time.monotonic() < end, found
            time.sleep(0.05)

    def missing(self, rights: Iterable[Right]) -> set[Right]:
        async def ask() -> set[Right]:
            cluster = KubeCluster("eu", KubeconfigConnection(str(self.kubeconfig)), ClusterLimits(qps=0))
            try:
                return set(await cluster.missing_rights(sorted(rights)))
            finally:
                await cluster.close()

        return asyncio.run(ask())

    def ours(self) -> set[str]:
        """Our objects in the cluster, by "plural name"; a hash at the end of a name is left out,
        and what is of this test's namespace alone is NS."""
        found = set()
        for group, plural in WRITTEN:
            base = VERSIONS.get(plural) or VERSIONS.get(group, f"/apis/{group}/v1beta1")
            path = f"{base}/namespaces/{self.namespace}/{plural}?labelSelector=reconciler.dev/owner%3D{self.namespace}"
            names = [item["metadata"]["name"] for item in self.made("GET", path, None)["items"]]
            plain = [re.sub("-[0-9a-f]{10}$", "-", name).replace(self.namespace, "NS") for name in names]
            found |= {f"{plural} {name}" for name in plain}
        return found


def rights_of(role: Mapping[str, Any]) -> set[Right]:
    return {
        Right(group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def without(documents: Iterable[Mapping[str, Any]], removed: Iterable[Right]) -> list[dict[str, Any]]:
    """The same documents with single rights taken out of the role."""
    removed = set(removed)
    result = []
    for body in documents:
        if body["kind"] == "ClusterRole":
            assert removed <= rights_of(body)
            rules = [
                {"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]}
                for right in sorted(rights_of(body) - removed)
            ]
            body = {**body, "rules": rules}
        result.append(dict(body))
    return result


def said(run: Run) -> list[str]:
    """What a run says about rights: its findings, and what is in the way on each target."""
    plan = run.planned.plan
    assert plan is not None
    findings = [finding.message for finding in run.planned.findings if finding.code == "rights-missing"]
    return [*findings, *(target.error for target in plan.targets if target.error)]
