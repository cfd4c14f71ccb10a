"""Routes to Services on a real kube-apiserver with the definitions of Gateway API: accepted as they are, and no drift
from what the server fills in."""

from __future__ import annotations

import pytest

from tests.pipeline.fleet import rows
from tests.pipeline.test_kube import KubeFleet, kube_fleet

__all__ = ["kube_fleet"]
pytestmark = pytest.mark.kube
MESH = """
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {type: gateway-api, clusterSelector: {}}
"""
GROUP = "/apis/gateway.networking.k8s.io/v1"
SPLIT = """
{to: [reviews.NS], rule: {route: {v1: 90, v2: 10}, mirror: [{to: cart.NS, percent: 12.5}], timeout: 10s, retries: 2,
  headers: {request: {set: {x-a: "1"}}, response: {remove: [x-b]}},
  cors: {origins: ["https://a.example"], methods: [GET], maxAge: 10m, credentials: true},
  loadBalancing: {hash: {cookie: {name: user, ttl: 1h}}}}}
"""
MATCHED = """
{to: [reviews.NS], match: [{path: {prefix: /old}, headers: [{name: x-c, exact: "1"}], query: [{name: q, regex: "a+"}]}],
  rule: {redirect: {prefix: /new, code: 308}}}
"""
REWRITTEN = (
    "{to: [cart.NS], from: [ns/default], match: ['GET,POST /api/*'], rule: {rewrite: {prefix: /, host: a.example}}}"
)


def test_second_run_finds_nothing_and_a_subset_goes_with_its_policy(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.file("desired-state/mesh.yaml", MESH)
    fleet.remove("policies/reviews.yaml")
    for name, spec in (("split", SPLIT), ("matched", MATCHED), ("rewritten", REWRITTEN)):
        fleet.policy(name, " ".join(spec.split()).replace("NS", fleet.namespace))
    fleet.commit("routes to services")
    first = fleet.apply()
    assert first.code == 0, [*map(str, first.planned.findings), *(r.message for r in first.results)]
    made = {(result.change.key.kind, result.change.key.name) for result in first.results}
    assert {("Service", "reviews-v1"), ("Service", "reviews-v2")} <= made
    second = fleet.apply()
    assert (second.code, rows(second)) == (0, {"c0/mesh": {"ok": len(first.results)}})
    # and with nothing remembered, by comparison alone
    fleet.store.replace_proven("c0", {})
    third = fleet.apply()
    assert rows(third) == {"c0/mesh": {"ok": len(first.results)}}
    assert not third.planned.live.clusters["c0"].predictions
    fleet.policy("split", f"{{to: [reviews.{fleet.namespace}], rule: {{route: {{v1: 100}}}}}}")
    fleet.commit("all to v1")
    assert fleet.apply().code == 0
    status, _ = fleet.servers[0].request("GET", fleet.url("services", "reviews-v2", "/api/v1"))
    assert status == 404
    assert fleet.get("services", "reviews-v1", group="/api/v1")["spec"]["clusterIP"]


def test_a_foreign_route_to_the_same_service_is_not_merged_with_ours(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.file("desired-state/mesh.yaml", MESH)
    parent = {"group": "", "kind": "Service", "name": "reviews", "port": 80}
    foreign = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "theirs", "namespace": fleet.namespace},
        "spec": {"parentRefs": [parent]},
    }
    assert fleet.servers[0].request("POST", fleet.url("httproutes", group=GROUP), foreign)[0] == 201
    fleet.policy("split", f"{{to: [reviews.{fleet.namespace}], rule: {{timeout: 3s}}}}")
    fleet.commit("beside theirs")
    run = fleet.apply()
    held = {
        change.key.name: change.why for plan in run.planned.plan.targets for change in plan.changes if change.withheld
    }
    assert any(name.startswith("reviews-") and "theirs" in why for name, why in held.items()), held
