"""Facts from raw objects, and their recordings."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.facts import MalformedObject, by_priority, cluster_facts, crd_facts
from reconciler.io.recordings import UnusableFacts, facts_from_json, facts_to_json, record, replay
from reconciler.model.facts import (
    OUTSIDE,
    ClusterFacts,
    CrdFacts,
    Facts,
    GatewayFacts,
    MeshFacts,
    PortFacts,
    ServiceFacts,
    WaypointFacts,
    WorkloadFacts,
)
from reconciler.model.refs import KindId, ServiceRef, TargetId

KIND = KindId("mesh.example.com", "Route")
CLUSTER = ClusterFacts(
    cluster="eu",
    version="v1.30.1",
    namespaces={"shop": {"b": "1", "a": "2"}},
    services=(
        ServiceFacts(
            ServiceRef("web", "shop", "eu"), {"app": "web"}, {"app": "web"}, (PortFacts(80, "http", "web"),), True
        ),
    ),
    workloads=(WorkloadFacts("Deployment", "shop", "web", {"app": "web"}, "sa", {"web": 8080}),),
    crds={KIND: CrdFacts(KIND, "routes", True, ("v1", "v1beta1"), frozenset({"spec.b", "spec.a", "spec.c"}))},
    meshes=(
        MeshFacts(
            "x",
            "sys",
            "1.2",
            gateways=(
                GatewayFacts("in", "sys", "Ingress", {"a": "b"}, ("192.0.2.1",), (PortFacts(443),), "in", "g", "x"),
            ),
            enrolled_namespaces=("shop",),
            tags=("stable",),
            trust_domain_aliases=("old.example",),
            profiles={"shop": "ambient"},
            workload_profiles={"shop/Deployment/web": OUTSIDE},
            waypoints=(WaypointFacts("wp", "shop", "all", "wp", ("far",)),),
            waypoint_refs={"shop/": "shop/wp", "shop/db": "", "far/": "shop/wp"},
            proxies={"1.2": 3, "1.1": 1},
            providers={"otel": "opentelemetry"},
            settings={"accessLogFile": "/dev/stdout"},
            components={"cni": "1.2"},
            channel="standard",
            classes={"x": "example.com/x"},
        ),
    ),
)
FACTS = Facts(
    {"us": ClusterFacts("us", crds={}), "eu": CLUSTER, "bare": ClusterFacts("bare")}, {"ap": "down"}, frozenset({"us"})
)


def meta(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": "shop", **more}


def template(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "web"}}, "spec": spec}


def test_facts_do_not_depend_on_the_order_of_objects() -> None:
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"x": "y"}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta("b"), "spec": {"type": "ExternalName"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta("a"), "spec": {"clusterIP": "None"}},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta("db"), "spec": {"template": template()}},
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta("agent"), "spec": {"template": template()}},
        {"apiVersion": "other/v1", "kind": "Service", "metadata": meta("c")},
    ]
    facts = cluster_facts("eu", objects, version="v1.30.0")
    assert facts == cluster_facts("eu", reversed(objects), version="v1.30.0")
    assert facts.namespaces == {"shop": {"x": "y"}}
    assert [(service.ref.name, service.headless) for service in facts.services] == [("a", True), ("b", False)]
    assert [(work.kind, work.name) for work in facts.workloads] == [("DaemonSet", "agent"), ("StatefulSet", "db")]
    assert facts.crds is None


def test_ports_keep_names_numbers_and_protocols() -> None:
    ports = [
        {"port": 80, "targetPort": "web", "name": "http", "appProtocol": "http"},
        {"port": 53, "targetPort": 5353, "protocol": "UDP"},
        {"port": 9},
    ]
    body = {"apiVersion": "v1", "kind": "Service", "metadata": meta("web"), "spec": {"ports": ports}}
    assert cluster_facts("eu", [body]).services[0].ports == (
        PortFacts(80, "http", "web", "TCP", "http"),
        PortFacts(53, "", 5353, "UDP", ""),
        PortFacts(9),
    )


def test_pods_count_only_while_they_run_on_their_own() -> None:
    spec = {"serviceAccountName": "sa", "containers": [{"ports": [{"name": "web", "containerPort": 8080}]}]}
    owner = {"kind": "ReplicaSet", "controller": True}
    pods = [
        {"metadata": meta("lone", labels={"app": "lone"}), "spec": spec},
        {"metadata": meta("owned", ownerReferences=[owner]), "spec": spec},
        {"metadata": meta("done"), "spec": spec, "status": {"phase": "Succeeded"}},
    ]
    facts = cluster_facts("eu", [{"apiVersion": "v1", "kind": "Pod", **pod} for pod in pods])
    assert facts.workloads == (WorkloadFacts("Pod", "shop", "lone", {"app": "lone"}, "sa", {"web": 8080}),)


def test_versions_are_in_the_order_that_kubernetes_prefers() -> None:
    mixed = ["v1alpha1", "foo10", "v2", "v1beta2", "v10", "v1beta1", "v1", "foo1", "v11alpha2", "v3beta1", "v12alpha1"]
    assert by_priority(mixed) == (
        *("v10", "v2", "v1", "v3beta1", "v1beta2", "v1beta1"),
        *("v12alpha1", "v11alpha2", "v1alpha1", "foo1", "foo10"),
    )


def test_a_crd_that_is_not_established_serves_nothing() -> None:
    spec = {"group": "g.io", "names": {"kind": "K", "plural": "ks"}, "scope": "Cluster", "versions": [{"name": "v1"}]}
    crd = {"kind": "CustomResourceDefinition", "spec": spec}
    kind = KindId("g.io", "K")
    assert crd_facts([crd]) == {kind: CrdFacts(kind, "ks", False, ("v1",))}
    refused = {**crd, "status": {"conditions": [{"type": "Established", "status": "False"}]}}
    assert crd_facts([refused]) == {}
    with pytest.raises(MalformedObject):
        crd_facts([{"kind": "CustomResourceDefinition", "metadata": {"name": "x"}, "spec": {}}])


def test_recorded_facts_come_back_equal_and_the_text_is_stable(tmp_path: Path) -> None:
    record(FACTS, tmp_path / "one.json")
    again = replay(tmp_path / "one.json")
    assert again == FACTS
    assert again.clusters["bare"].crds is None
    assert again.clusters["us"].crds == {}
    record(again, tmp_path / "two.json")
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "one.json").read_bytes()
    value = facts_to_json(FACTS)
    assert list(value["clusters"]) == ["bare", "eu", "us"]
    assert json.dumps(value, sort_keys=True) == json.dumps(value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "reconciler.dev/facts/v0"}, "format reconciler.dev/facts/v1"),
        ({"clusters": {"eu": {"cluster": 3, "crds": None}}}, "damaged"),
        ({"clusters": {"eu": {"cluster": "eu"}}}, "damaged"),
        ({"clusters": [1]}, "damaged"),
        ({"stale": "us"}, "damaged"),
    ],
)
def test_what_is_no_recording_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnusableFacts, match=reason):
        facts_from_json(facts_to_json(FACTS) | change)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text("{")
    with pytest.raises(UnusableFacts, match=r"facts\.json"):
        replay(tmp_path / "facts.json")


def test_facts_of_a_version_that_knew_less_are_read() -> None:
    value = facts_to_json(FACTS)
    mesh = value["clusters"]["eu"]["meshes"][0]
    for new in ("tags", "profiles", "waypoints", "proxies", "settings", "channel"):
        del mesh[new]
    del value["clusters"]["eu"]["crds"][0]["fields"]
    again = facts_from_json(value).clusters["eu"]
    assert again.meshes[0].waypoints == ()
    assert (again.crds or {})[KIND].fields is None


def test_a_service_is_served_by_its_own_waypoint_or_that_of_its_namespace() -> None:
    (mesh,) = CLUSTER.meshes
    found = mesh.waypoint("web", "shop")
    assert (found and found.name) == "wp"
    assert mesh.waypoint("db", "shop") is None
    assert mesh.waypoint("web", "other") is None
    assert mesh.waypoint_ref("web", "far") == "shop/wp"
    assert mesh.waypoint("web", "far") is None
    for serves in ("workload", "none"):
        pods_only = dataclasses.replace(mesh, waypoints=(WaypointFacts("wp", "shop", serves),))
        assert pods_only.waypoint("web", "shop") is None
        assert pods_only.waypoint_ref("web", "shop") == "shop/wp"


def test_a_workload_may_be_enrolled_in_another_way_than_its_namespace() -> None:
    (mesh,) = CLUSTER.meshes
    assert mesh.profile("shop") == "ambient"
    assert mesh.profile("shop", CLUSTER.workloads[0]) == OUTSIDE
    assert mesh.profile("shop", dataclasses.replace(CLUSTER.workloads[0], name="api")) == "ambient"
    assert mesh.profile("other") == ""
    assert not mesh.enrolls(CLUSTER.workloads[0])
    assert mesh.enrolls(dataclasses.replace(CLUSTER.workloads[0], name="api"))
    assert not mesh.enrolls(dataclasses.replace(CLUSTER.workloads[0], namespace="other"))


@pytest.mark.parametrize(("revision", "found"), [("", True), ("1-2", True), ("stable", True), ("canary", False)])
def test_a_control_plane_is_meant_by_its_revision_or_a_tag_of_it(revision: str, found: bool) -> None:
    mesh = dataclasses.replace(CLUSTER.meshes[0], revision="1-2")
    facts = Facts({"eu": dataclasses.replace(CLUSTER, meshes=(mesh,))})
    assert (facts.mesh(TargetId("eu", "any"), "x", "sys", revision) is mesh) == found
