"""One virtual mesh of several products: one policy for traffic and one for access, each mesh in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model.plans import Plan
from reconciler.pipeline.outcome import Run
from reconciler.report.paint import plain
from reconciler.report.plan_text import plan_text
from reconciler.report.recap_text import recap_text
from reconciler.report.withheld_text import withheld_text
from tests.consul.server import Server
from tests.pipeline.fleet import Fleet, rows

ESTATE = """
    apiVersion: reconciler.dev/v1alpha1
    kind: Mesh
    metadata: {name: istio}
    spec: {type: istio, clusters: [eu]}
    ---
    apiVersion: reconciler.dev/v1alpha1
    kind: Mesh
    metadata: {name: linkerd}
    spec: {type: linkerd, clusters: [us]}
    ---
    apiVersion: reconciler.dev/v1alpha1
    kind: Mesh
    metadata: {name: consul}
    spec: {type: consul, clusters: [dc1]}
    ---
    apiVersion: reconciler.dev/v1alpha1
    kind: VirtualMesh
    metadata: {name: all}
    spec: {meshes: {}}
"""
ACCOUNTS = {"reviews": ("reviews-v1", "reviews-v2"), "cart": ("cart-v1",)}


def workload(service: str, name: str) -> dict[str, Any]:
    labels = {"app": service, "version": name.rpartition("-")[2]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": service,
                    "containers": [{"name": "app", "ports": [{"name": "http", "containerPort": 8080}]}],
                },
            },
        },
    }


def facts(**namespace: Any) -> list[dict[str, Any]]:
    """Two services of the namespace default, as any cluster has them."""
    found: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default", **namespace}}
    ]
    for service, names in ACCOUNTS.items():
        port = {"name": "http", "port": 80, "targetPort": 8080, "appProtocol": "http"}
        found.append(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": service, "namespace": "default"},
                "spec": {"selector": {"app": service}, "ports": [port]},
            }
        )
        found += [workload(service, name) for name in names]
    return found


@pytest.fixture
def several(tmp_path: Path, consul: Server) -> Iterator[Fleet]:
    """A sidecar mesh on ``eu``, another on ``us``, and a datacenter ``dc1`` of a genuine server."""
    for number, version in enumerate(("v1", "v2"), 1):
        consul.register("reviews", 9080, number=number, Meta={"version": version})
    consul.register("cart", 8080)
    made = Fleet(tmp_path, {"eu": None, "us": None, "dc1": {"consul": {"address": consul.address}}})
    for name in ("policies/reviews.yaml", "policies/cart.yaml"):
        made.remove(name)
    made.file("desired-state/mesh.yaml", ESTATE)
    made.policy("canary", "{to: [reviews.default], rule: {route: {v1: 90, v2: 10}, timeout: 3s}}")
    made.policy("readers", "{action: Allow, from: [cart.default], to: [reviews.default]}", "AccessPolicy")
    made.facts("eu", facts(labels={"istio-injection": "enabled"}))
    made.facts("us", facts(annotations={"linkerd.io/inject": "enabled"}))
    made.commit("one of each")
    yield made
    made.store.close()


def plan_of(run: Run) -> Plan:
    assert run.planned.plan is not None
    return run.planned.plan


def test_one_policy_of_each_kind_becomes_three_native_results(several: Fleet) -> None:
    run = several.plan()
    made: dict[str, set[str]] = {}
    for change in plan_of(run).changes:
        made.setdefault(str(change.target), set()).add(change.key.kind)
    assert made["eu/istio"] == {"VirtualService", "DestinationRule", "AuthorizationPolicy"}
    assert {"HTTPRoute", "Service", "Server", "AuthorizationPolicy", "MeshTLSAuthentication"} <= made["us/linkerd"]
    assert {"ServiceResolver", "ServiceSplitter", "ServiceIntentions"} <= made["dc1/consul"]
    verdicts = {str(one.target): one.level for one in plan_of(run).verdicts if one.capability == "traffic.route.subset"}
    assert verdicts == {"eu/istio": "Native", "us/linkerd": "Emulated", "dc1/consul": "Partial"}
    text = plan_text(plan_of(run), run.planned.prepared.commit, plain)
    for target in ("eu / istio", "us / linkerd", "dc1 / consul"):
        assert target in text
    assert "emulated  traffic.route.subset" in text


def test_all_of_them_are_written_and_a_second_run_finds_nothing(several: Fleet) -> None:
    first = rows(several.apply())
    assert {target: set(row) - {"progressing"} for target, row in first.items()} == {
        "dc1/consul": {"changed"}, "eu/istio": {"changed"}, "us/linkerd": {"changed"},
    }  # fmt: skip
    second = rows(several.apply())
    assert {target: set(row) - {"progressing"} for target, row in second.items()} == {
        target: {"ok"} for target in first
    }


def without_definitions(fleet: Fleet) -> Path:
    """``us`` serves kinds, but none of its mesh; the file that says so."""
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "others.example.org"},
        "spec": {
            "group": "example.org",
            "names": {"kind": "Other", "plural": "others"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    }
    fleet.file("facts/us/crd.yaml", yaml.safe_dump(crd))
    return fleet.repo / "facts/us/crd.yaml"


def told(run: Run) -> list[str]:
    """What a run says at its end, line by line."""
    return [*withheld_text(plan_of(run), plain).splitlines(), *recap_text(run.rows, plain).splitlines()]


def test_meshes_that_fail_leave_the_others_untouched_and_are_named_with_a_hint(several: Fleet) -> None:
    several.cluster("dc1", {"consul": {"address": "http://127.0.0.1:1"}})
    several.commit("nobody listens there")
    without_definitions(several)
    run = several.apply()
    assert rows(run)["dc1/consul"] == {"unreachable": 1}
    assert rows(run)["us/linkerd"] == {"changed": 2, "blocked": 4}
    assert rows(run)["eu/istio"] == {"changed": 3}
    assert run.code == 4
    assert sorted(several.live("eu")) == [
        "AuthorizationPolicy reviews-allow-readers", "DestinationRule reviews", "VirtualService reviews",
    ]  # fmt: skip
    # the parts of the service lead nowhere by themselves, and are what routes need first
    assert sorted(several.live("us")) == ["Service reviews-v1", "Service reviews-v2"]
    lines = told(run)
    down = next(number for number, line in enumerate(lines) if line.startswith("unreachable dc1/consul  "))
    assert "127.0.0.1:1" in lines[down]
    assert "check its connection" in lines[down + 1]
    withheld = [number for number, line in enumerate(lines) if line.startswith("withheld    us/linkerd  ")]
    assert len(withheld) == 4
    assert all("install the mesh's CustomResourceDefinitions" in lines[number + 1] for number in withheld)
    recap = {line.split(" : ")[0].strip(): line for line in lines if " : " in line}
    assert "unreachable=1" in recap["dc1/consul"]
    assert "blocked=4" in recap["us/linkerd"]


def test_a_mesh_that_comes_back_gets_what_it_missed_and_the_others_are_not_written(
    several: Fleet, consul: Server
) -> None:
    missing = without_definitions(several)
    several.cluster("dc1", {"consul": {"address": "http://127.0.0.1:1"}})
    several.commit("nobody listens there")
    several.apply()
    before = several.live("eu")
    missing.unlink()
    several.cluster("dc1", {"consul": {"address": consul.address}})
    several.commit("there again")
    run = several.apply()
    assert rows(run)["eu/istio"] == {"ok": 3}
    assert several.live("eu") == before
    assert rows(run)["dc1/consul"].keys() == {"changed"}
    late = {name: count for name, count in rows(run)["us/linkerd"].items() if name != "progressing"}
    assert late == {"ok": 2, "changed": 4}
    assert run.code == 0


def test_a_mesh_that_goes_down_keeps_what_it_has(several: Fleet, consul: Server) -> None:
    several.apply()
    kinds = ("service-resolver", "service-splitter", "service-router")
    before = [consul.entry(kind, "reviews") for kind in kinds]
    assert all(before)
    several.cluster("dc1", {"consul": {"address": "http://127.0.0.1:1"}})
    several.remove("policies/canary.yaml")
    several.commit("no canary any more")
    run = several.apply()
    assert rows(run)["dc1/consul"] == {"unreachable": 1}
    assert rows(run)["eu/istio"]["pruned"] == 2
    assert [consul.entry(kind, "reviews") for kind in kinds] == before
