"""Linkerd on a real kube-apiserver: its objects are accepted and in sync, and of Services and Namespaces of others our
annotations come, are healed and go by themselves."""

from __future__ import annotations

import pytest

from reconciler.model.plans import Action, Reason
from tests.pipeline.fleet import codes, rows, service
from tests.pipeline.test_kube import KubeFleet, kube_fleet

__all__ = ["kube_fleet"]
pytestmark = pytest.mark.kube
MESH = """
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {type: linkerd, clusterSelector: {}}
"""
POLICY = "/apis/policy.linkerd.io"
GATEWAY = "/apis/gateway.networking.k8s.io/v1"
CORE = "/api/v1"
LIMIT = "balancer.linkerd.io/failure-accrual-consecutive-max-failures"
BREAKER = "{to: [reviews.NS], rule: {outlier: {consecutiveErrors: 5, baseEjection: 30s}}}"


@pytest.fixture
def fleet(kube_fleet: KubeFleet) -> KubeFleet:
    kube_fleet.file("desired-state/mesh.yaml", MESH)
    kube_fleet.remove("policies/reviews.yaml")
    kube_fleet.remove("policies/cart.yaml")
    return kube_fleet


def asks(fleet: KubeFleet, name: str, spec: str, kind: str = "TrafficPolicy") -> None:
    fleet.policy(name, " ".join(spec.split()).replace("NS", fleet.namespace), kind)
    fleet.commit(name)


def annotations(fleet: KubeFleet) -> dict[str, str]:
    return dict(fleet.get("services", "reviews", group=CORE)["metadata"].get("annotations") or {})


def change_service(fleet: KubeFleet, **changed: str | None) -> None:
    """As somebody with kubectl would: annotations by name, None for one that goes."""
    path = fleet.url("services", "reviews", CORE) + "?fieldManager=kubectl-annotate"
    body = fleet.get("services", "reviews", group=CORE)
    known = {**(body["metadata"].get("annotations") or {}), **changed}
    body["metadata"]["annotations"] = {key: value for key, value in known.items() if value is not None}
    assert fleet.servers[0].request("PUT", path, body)[0] == 200


def test_annotations_of_a_service_come_are_healed_and_go_alone(fleet: KubeFleet) -> None:
    change_service(fleet, theirs="1")
    before = fleet.get("services", "reviews", group=CORE)
    asks(fleet, "breaker", BREAKER)
    first = fleet.apply()
    assert first.code == 0, [*map(str, first.planned.findings), *(r.message for r in first.results)]
    assert {LIMIT: "5", "theirs": "1"}.items() <= annotations(fleet).items()
    now = fleet.get("services", "reviews", group=CORE)
    assert (now["spec"], now["metadata"].get("labels")) == (before["spec"], before["metadata"].get("labels"))
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 1}}
    fleet.store.replace_proven("c0", {})
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 1}}
    change_service(fleet, **{LIMIT: "9", "theirs": "2"})
    healed = fleet.apply()
    (change,) = [one for one in healed.planned.plan.changes if one.pending]
    assert [(field.before, field.after, field.drift) for field in change.fields] == [("9", "5", True)]
    assert {LIMIT: "5", "theirs": "2"}.items() <= annotations(fleet).items()
    asks(fleet, "breaker", "{to: [reviews.NS], rule: {outlier: {baseEjection: 30s}}}")
    fleet.apply()
    assert LIMIT not in annotations(fleet)
    asks(fleet, "breaker", "{to: [cart.NS], rule: {outlier: {baseEjection: 30s}}}")
    gone = fleet.apply()
    assert {(r.change.action, r.change.key.name) for r in gone.results} >= {(Action.PRUNE, "reviews")}, gone.results
    after = fleet.get("services", "reviews", group=CORE)
    assert after["metadata"]["annotations"] == {"theirs": "2"}
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert "mesh-reconciler" not in [entry["manager"] for entry in after["metadata"]["managedFields"]]


def test_a_service_that_somebody_deletes_or_that_is_not_there_is_never_made(fleet: KubeFleet) -> None:
    path = fleet.url("services", "reviews", CORE)
    asks(fleet, "breaker", BREAKER)
    assert fleet.apply().code == 0
    assert fleet.servers[0].request("DELETE", path)[0] == 200
    run = fleet.apply()
    assert fleet.servers[0].request("GET", path)[0] == 404
    assert "service-unknown" in codes(run)
    assert not [result for result in run.results if result.change.key.name == "reviews"]
    body = service("reviews", fleet.namespace)
    assert fleet.servers[0].request("POST", fleet.url("services", group=CORE), body)[0] == 201
    assert fleet.apply().code == 0
    assert annotations(fleet)[LIMIT] == "5"


def test_an_annotation_that_somebody_else_has_set_is_theirs_until_it_is_adopted(fleet: KubeFleet) -> None:
    change_service(fleet, **{LIMIT: "3"})
    asks(fleet, "breaker", BREAKER)
    run = fleet.apply()
    (change,) = run.planned.plan.changes
    assert (change.withheld, "kubectl-annotate" in change.why) == (Reason.UNOWNED, True)
    assert set(annotations(fleet)) == {LIMIT}
    fleet.settings(
        f"{{mode: Apply, owner: {fleet.namespace}, limits: {{timeout: 20s}}, "
        f"adopt: [{{gvk: v1/Service, namespace: {fleet.namespace}, name: reviews}}]}}"
    )
    fleet.commit("take it over")
    assert fleet.apply().code == 0
    assert annotations(fleet)[LIMIT] == "5"


def test_the_port_is_shut_last_and_opened_first(fleet: KubeFleet) -> None:
    limits = "{timeout: 20s, maxDeletePercent: 100, maxChangedPercent: 100}"
    fleet.settings(f"{{mode: Apply, owner: {fleet.namespace}, limits: {limits}}}")
    asks(fleet, "who", "{action: Allow, from: [ns/NS], to: [reviews.NS], match: ['GET /a/*']}", "AccessPolicy")
    asks(fleet, "slow", "{to: [cart.NS], rule: {timeout: 3s}}")
    run = fleet.apply()
    assert run.code == 0, [*map(str, run.planned.findings), *(r.message for r in run.results)]
    kinds = [result.change.key.kind for result in run.results]
    assert kinds[-1] == "Server"
    assert kinds.index("AuthorizationPolicy") < kinds.index("HTTPRoute")
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": len(run.results)}}
    fleet.store.replace_proven("c0", {})
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": len(run.results)}}
    fleet.remove("policies/who.yaml")
    fleet.commit("nobody in particular")
    gone = [result.change.key.kind for result in fleet.apply().results]
    assert (gone[0], gone[-1]) == ("Server", "MeshTLSAuthentication"), gone


def profile(fleet: KubeFleet) -> None:
    name = f"reviews.{fleet.namespace}.svc.cluster.local"
    body = {"apiVersion": "linkerd.io/v1alpha2", "kind": "ServiceProfile", "metadata": {"name": name}}
    path = f"/apis/linkerd.io/v1alpha2/namespaces/{fleet.namespace}/serviceprofiles"
    status, answer = fleet.servers[0].request("POST", path, body | {"spec": {"routes": []}})
    assert status == 201, answer


def test_a_profile_that_switches_routes_off_is_told(fleet: KubeFleet) -> None:
    asks(fleet, "slow", "{to: [reviews.NS], rule: {timeout: 3s}}")
    assert fleet.apply().code == 0
    profile(fleet)
    run = fleet.apply()
    (told,) = [str(finding) for finding in run.planned.findings if finding.code == "object-degraded"]
    assert "ServiceProfile" in told
    asks(fleet, "slow", "{to: [reviews.NS], rule: {timeout: 4s}}")
    (change,) = [change for change in fleet.plan().planned.plan.changes if change.pending]
    assert (change.withheld, "ServiceProfile" in change.why) == (Reason.FOREIGN_HOST, True)
