"""``reconciler inspect``: what holds for a service, from its policies to file and line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from reconciler.cli.main import cli
from tests.pipeline.fleet import FACTS

API = "apiVersion: reconciler.dev/v1alpha1\n"
POLICIES = (
    f"{API}kind: TrafficPolicy\nmetadata: {{name: canary}}\n"
    "spec: {to: [reviews.shop], rule: {route: {v1: 90, v2: 10}, timeout: 3s}}\n---\n"
    f"{API}kind: TrafficPolicy\nmetadata: {{name: for-cart}}\n"
    "spec: {from: [{namespaces: [shop], workloads: {labels: {matchLabels: {app: cart}}}}], to: [reviews.shop],\n"
    "  match: [GET /slow/*], rule: {timeout: 9s}}\n---\n"
    f"{API}kind: AccessPolicy\nmetadata: {{name: readers}}\n"
    "spec: {action: Allow, from: [sa/cart.shop], to: [reviews.shop], match: [GET /*]}\n---\n"
    f"{API}kind: TelemetryPolicy\nmetadata: {{name: pages}}\n"
    "spec: {workloads: [ns/shop], dashboards: [{grafana: {address: 'https://grafana.example.org/d/shop'}}]}\n"
)
CART = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "cart-v1", "namespace": "shop"},
    "spec": {"template": {"metadata": {"labels": {"app": "cart"}}, "spec": {"serviceAccountName": "cart"}}},
}

Inspect = Callable[..., Result]


@pytest.fixture
def inspect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inspect:
    """The command on a committed repository of one cluster."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    repo = tmp_path / "repo"
    files = {
        "desired-state/mesh.yaml": f"{API}kind: Mesh\nmetadata: {{name: istio}}\n"
        "spec: {type: istio, clusterSelector: {}, config: {mtls: Strict}}\n",
        "desired-state/inventory.yaml": "all: {hosts: {eu: {connection: {directory: {path: live, facts: facts}}}}}\n",
        "policies/p.yaml": POLICIES,
        "facts/objects.yaml": yaml.safe_dump_all([*FACTS, CART]),
    }
    for name, text in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], cwd=repo, check=True)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["inspect", *arguments, "--repo", str(repo)], standalone_mode=False)

    return run


def rules(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)["rules"]
    return found


def test_rules_for_calls_to_a_service_name_the_line_that_asks(inspect: Inspect) -> None:
    found = {
        (one["capability"], tuple(one["callers"])): one
        for one in rules(inspect("service", "reviews.shop", "-o", "json"))
    }
    assert found[("traffic.timeout.request", ())]["value"] == "3s"
    narrow = found[("traffic.timeout.request", ("shop/app=cart",))]
    assert (narrow["value"], narrow["side"], narrow["match"]) == ("9s", "client", ["GET, path prefix /slow"])
    assert found[("access.allow", ("shop/cart",))]["side"] == "server"
    (policy,) = narrow["policies"]
    assert (policy["policy"], policy["path"], policy["line"]) == (
        "TrafficPolicy/default/for-cart",
        "policies/p.yaml",
        10,
    )
    assert len(policy["commit"]) == 40
    assert found[("mesh.config.mtls", ())]["value"] == "Strict"


def test_links_of_dashboards_are_shown_for_the_workloads_that_they_are_about(inspect: Inspect) -> None:
    link = "https://grafana.example.org/d/shop"
    found = rules(inspect("workload", "cart-v1.shop", "-o", "json"))
    assert [one["value"] for one in found if one["capability"] == "telemetry.dashboards.grafana"] == [link]
    assert link in inspect("service", "reviews.shop").output


def test_rules_for_calls_that_a_workload_makes(inspect: Inspect) -> None:
    found = rules(inspect("workload", "cart-v1", "--out", "-o", "json"))
    assert {(one["capability"], one["service"]) for one in found} >= {
        ("traffic.timeout.request", "reviews.shop"),
        ("access.allow", "reviews.shop"),
    }
    assert {one["direction"] for one in found} == {"out"}


def test_text_groups_rules_by_the_requests_that_they_are_about(inspect: Inspect) -> None:
    text = inspect("service", "reviews.shop").output
    assert text.count("reviews.shop, from shop/app=cart, when GET, path prefix /slow") == 1
    assert "TrafficPolicy/default/for-cart at policies/p.yaml:10, since " in text


def test_policy_shows_its_objects_and_verdicts(inspect: Inspect) -> None:
    text = inspect("policy", "canary").output
    assert "VirtualService shop/reviews" in text
    assert "traffic.route.weight: Native, client" in text


def test_drawing_is_a_flowchart_whose_names_cannot_leave_their_quotes(inspect: Inspect) -> None:
    text = inspect("service", "reviews.shop", "-o", "mermaid").output
    assert text.startswith("---\ntitle: service reviews.shop\n---\nflowchart LR\n")
    assert '-->|"route 10 v2"|' in text
    assert '==>|"allow readers"|' in text


def test_mesh_says_what_is_known_of_it(inspect: Inspect) -> None:
    assert "trust domain" in inspect("mesh", "istio").output


def test_gateways_of_a_mesh_are_told_as_they_are_declared(inspect: Inspect, tmp_path: Path) -> None:
    mesh = tmp_path / "repo/desired-state/mesh.yaml"
    gateways = """
  gateways:
    - {name: public, role: Ingress, namespace: istio-system, selector: {matchLabels: {istio: ingressgateway}},
       port: 8443, addresses: ["2001:db8::1", shop.example.org]}
    - {name: out, role: Egress, namespace: istio-system, selector: {matchLabels: {istio: egressgateway}}}
"""
    mesh.write_text(
        f"{API}kind: Mesh\nmetadata: {{name: istio}}\nspec:\n  type: istio\n  clusterSelector: {{}}{gateways}"
    )
    (facts,) = json.loads(inspect("mesh", "istio", "-o", "json").stdout)["targets"]
    assert facts["gateways"] == "istio-system/out (Egress), istio-system/public (Ingress)"
    assert facts["addresses"] == "[2001:db8::1]:8443, shop.example.org:8443"


def test_unknown_name_gets_the_nearest(inspect: Inspect) -> None:
    assert "did you mean reviews.shop?" in str(inspect("service", "revews.shop").exception)
