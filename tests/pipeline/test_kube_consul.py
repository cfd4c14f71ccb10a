"""Custom resources of consul-k8s on a real kube-apiserver: in sync at once, healed, pruned, and beside those of others.

The mesh knows services by name alone and the server is shared by tests, so these services have names of their own.
"""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.plans import Reason
from tests.pipeline.fleet import rows, service
from tests.pipeline.test_kube import KubeFleet, kube_fleet

__all__ = ["kube_fleet"]
pytestmark = pytest.mark.kube
MESH = """
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {type: consul, clusterSelector: {}}
"""
GROUP = "/apis/consul.hashicorp.com/v1alpha1"
SPLIT = """{to: [NAME.NS], rule: {route: {v1: 90, v2: 10}, timeout: 90s, retries: {attempts: 3, on: [5xx]},
 headers: {request: {set: {x-a: "1"}}}}}"""
READERS = "{action: Allow, from: [sa/caller.NS], to: [NAME.NS], match: [GET /api/*]}"


@pytest.fixture
def fleet(kube_fleet: KubeFleet) -> KubeFleet:
    made = kube_fleet
    body = service(name(made), made.namespace)
    assert made.servers[0].request("POST", f"/api/v1/namespaces/{made.namespace}/services", body)[0] == 201
    made.file("desired-state/mesh.yaml", MESH)
    for policy in ("reviews", "cart"):
        made.remove(f"policies/{policy}.yaml")
    made.policy("split", said(SPLIT, made))
    made.policy("readers", said(READERS, made), "AccessPolicy")
    made.commit("one service")
    return made


def name(fleet: KubeFleet) -> str:
    return f"r-{fleet.namespace}"


def said(policy: str, fleet: KubeFleet) -> str:
    return " ".join(policy.split()).replace("NAME", name(fleet)).replace("NS", fleet.namespace)


def made(fleet: KubeFleet) -> dict[str, Any]:
    plurals = ("servicedefaults", "serviceintentions", "serviceresolvers", "servicesplitters", "servicerouters")
    lists = (fleet.servers[0].request("GET", fleet.url(plural, group=GROUP))[1] for plural in plurals)
    return {f"{item['kind']} {item['metadata']['name']}": item["spec"] for found in lists for item in found["items"]}


def test_a_commit_is_in_sync_at_once_and_a_change_by_hand_is_healed(fleet: KubeFleet) -> None:
    first = fleet.apply()
    assert first.code == 0, [*map(str, first.planned.findings), *(r.message for r in first.results)]
    kinds = ("Defaults", "Intentions", "Resolver", "Router", "Splitter")
    assert sorted(made(fleet)) == [f"Service{kind} {name(fleet)}" for kind in kinds]
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 5}}
    fleet.store.replace_proven("c0", {})
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 5}}
    router = fleet.get("servicerouters", name(fleet), group=GROUP)
    router["spec"]["routes"][0]["destination"]["requestTimeout"] = "1s"
    path = fleet.url("servicerouters", name(fleet), group=GROUP)
    assert fleet.servers[0].request("PUT", f"{path}?fieldManager=kubectl-edit", router)[0] == 200
    assert rows(fleet.plan())["c0/mesh"]["drifted"] == 1
    assert fleet.apply().code == 0
    assert made(fleet)[f"ServiceRouter {name(fleet)}"]["routes"][0]["destination"]["requestTimeout"] == "90s"


def test_what_is_not_asked_for_any_more_goes(fleet: KubeFleet) -> None:
    assert fleet.apply().code == 0
    fleet.remove("policies/split.yaml")
    fleet.commit("access only")
    plan = fleet.plan().planned.plan
    assert plan is not None
    run = fleet.apply(confirmed=frozenset({plan.targets[0].guard_fingerprint} - {""}))
    assert run.code == 0, [result.message for result in run.results]
    assert sorted(made(fleet)) == [f"ServiceDefaults {name(fleet)}", f"ServiceIntentions {name(fleet)}"]


def test_intentions_of_somebody_else_for_the_same_service_are_not_doubled(fleet: KubeFleet) -> None:
    """The controller would refuse the second object for one destination, whatever it is called."""
    theirs = {
        "apiVersion": "consul.hashicorp.com/v1alpha1",
        "kind": "ServiceIntentions",
        "metadata": {"name": "theirs", "namespace": fleet.namespace},
        "spec": {"destination": {"name": name(fleet)}, "sources": [{"name": "x", "action": "allow"}]},
    }
    assert fleet.servers[0].request("POST", fleet.url("serviceintentions", group=GROUP), theirs)[0] == 201
    run = fleet.apply()
    assert run.planned.plan is not None
    held = {
        change.key.kind: (change.withheld, change.why)
        for target in run.planned.plan.targets
        for change in target.changes
        if change.withheld
    }
    assert set(held) == {"ServiceIntentions"}
    assert "theirs" in held["ServiceIntentions"][1]
    assert held["ServiceIntentions"][0] is Reason.FOREIGN_HOST
    assert f"ServiceIntentions {name(fleet)}" not in made(fleet)
