"""A move away from App Mesh, whose service ended: what is kept and gained, and what stops a move back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.report.migration_text import migration_text
from reconciler.report.paint import plain
from tests.pipeline.fleet import FACTS, Fleet
from tests.pipeline.test_migrate import ISTIOD, ask, by_fate

GROUP = "appmesh.k8s.aws"
SHOP = {"mesh": "shop", f"{GROUP}/sidecarInjectorWebhook": "enabled"}
CONTROLLER = yaml.safe_load("""
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      {name: appmesh-controller, namespace: appmesh-system, labels: {app.kubernetes.io/name: appmesh-controller}}
    spec:
      selector: {matchLabels: {app: appmesh-controller}}
      template:
        metadata: {labels: {app: appmesh-controller}}
        spec: {containers: [{name: controller, image: "amazon/appmesh-controller:v1.13.3"}]}
""")
MESH = yaml.safe_load("""
    apiVersion: appmesh.k8s.aws/v1beta2
    kind: Mesh
    metadata: {name: shop}
    spec: {namespaceSelector: {matchLabels: {mesh: shop}}}
""")
POLICIES = {
    "patience": "{to: [checkout.shop],"
    " rule: {timeout: 3s, retries: {attempts: 2, perTry: 1s, on: [5xx, connect-failure]}}}",
    "beta": "{to: [checkout.shop], match: ['GET /beta/*'], rule: {timeout: 1s}}",
    "delay": "{to: [cart.shop], rule: {fault: {delay: {duration: 1s}}}}",
}

OTHER = """
    apiVersion: reconciler.dev/v1alpha1
    kind: Mesh
    metadata: {name: other}
    spec: {type: istio, clusters: [eu]}
"""


@pytest.fixture
def leaving(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path)
    spaces = {**FACTS[0], "metadata": {"name": "shop", "labels": SHOP}}
    made.facts("eu", [spaces, *FACTS[1:], CONTROLLER, MESH, *ISTIOD])
    made.settings("{mode: Apply}")
    mesh = made.repo / "desired-state/mesh.yaml"
    mesh.write_text(mesh.read_text().replace("istio", "appmesh"))
    for name, spec in POLICIES.items():
        made.policy(name, spec)
    made.commit("policies")
    made.apply()
    yield made
    made.store.close()


def test_what_is_kept_and_gained_by_leaving(leaving: Fleet) -> None:
    assert {"VirtualRouter checkout", "VirtualService checkout"} <= set(leaving.live())
    made = ask(leaving, "mesh", "istio")
    found = by_fate(made)
    kept = {"timeout.request", "retries.attempts", "retries.perTry", "retries.on"}
    assert {f"patience traffic.{name}" for name in kept} <= found["kept"]
    assert "delay traffic.fault.delay" in found["gained"]
    assert not made.blocked
    assert "Take the old one out" in migration_text(made, plain)


def test_what_is_lost_by_coming_back(leaving: Fleet) -> None:
    leaving.facts("eu", [*FACTS, CONTROLLER, MESH, *ISTIOD])  # the namespace is in the other mesh
    leaving.change("desired-state/other.yaml", OTHER, "side by side")
    made = ask(leaving, "other", "mesh")
    assert "delay traffic.fault.delay.duration" in by_fate(made)["blocked"]
    assert "AWS ended the service on 30 September 2026" in migration_text(made, plain)
