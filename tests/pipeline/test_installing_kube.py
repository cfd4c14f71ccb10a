"""A control plane out of the repository on a real kube-apiserver: its order, what it fills in, and its removal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.pipeline.outcome import Run
from tests.kube.control_plane import ApiServer
from tests.kube.polling import until
from tests.pipeline.control_plane import OBJECTS, manifests, mesh, present
from tests.pipeline.fleet import rows
from tests.pipeline.test_kube import KubeFleet

ADMISSION = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/checks-"
POLICIES = 3  # objects that the policies of the fleet become


class Planes(KubeFleet):
    """A fleet whose mesh has its control plane installed; all of it bears the name of this test's namespace."""

    def path(self, kind: str) -> str:
        name, system = self.namespace, f"{self.namespace}-system"
        return {
            "webhook": f"{ADMISSION}{name}",
            "definition": f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{name}.example.org",
            "role": f"/apis/rbac.authorization.k8s.io/v1/clusterroles/plane-{name}",
            "namespace": f"/api/v1/namespaces/{system}",
            "thing": f"/apis/{name}.example.org/v1/namespaces/{system}/things/first",
            "deployment": f"/apis/apps/v1/namespaces/{system}/deployments/plane",
            "service": f"/api/v1/namespaces/{system}/services/plane",
        }[kind]

    def read(self, kind: str) -> dict[str, Any]:
        status, body = self.servers[0].request("GET", self.path(kind))
        assert status == 200, body
        return dict(body)

    def status(self, kind: str) -> int:
        return self.servers[0].request("GET", self.path(kind))[0]

    def write(self, kind: str, body: dict[str, Any], manager: str) -> None:
        status, answer = self.servers[0].request("PUT", f"{self.path(kind)}?fieldManager={manager}", body)
        assert status == 200, answer

    def install(self, install: str, message: str) -> None:
        self.change("desired-state/mesh.yaml", mesh(install), message)


@pytest.fixture
def planes(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[Planes]:
    made = Planes(tmp_path, [kube], fresh_namespace)
    for name, text in manifests(fresh_namespace).items():
        made.file(name, text)
    made.install(present(fresh_namespace), "a control plane")
    yield made
    for kind in ("webhook", "role", "definition", "namespace"):
        kube.request("DELETE", made.path(kind))
    made.store.close()


def said(run: Run) -> list[tuple[str, str]]:
    plan = run.planned.plan
    withheld = [one for target in (plan.targets if plan else ()) for one in target.changes if one.withheld]
    told = [(str(one.key), f"{one.withheld}: {one.why}") for one in withheld]
    return told + [(str(one.change.key), one.message) for one in run.results if one.message]


def test_a_control_plane_is_applied_in_order_and_is_then_in_sync(planes: Planes) -> None:
    first = planes.apply()
    assert (first.code, rows(first)) == (0, {"c0/mesh": {"changed": OBJECTS + POLICIES}}), said(first)
    assert planes.read("thing")["spec"] == {"size": 3}
    assert planes.read("deployment")["metadata"]["namespace"] == f"{planes.namespace}-system"
    before = {kind: planes.read(kind)["metadata"]["resourceVersion"] for kind in ("service", "deployment", "webhook")}
    for _ in range(2):
        assert rows(planes.apply()) == {"c0/mesh": {"ok": OBJECTS + POLICIES}}
    assert {kind: planes.read(kind)["metadata"]["resourceVersion"] for kind in before} == before


def test_what_a_control_plane_fills_in_is_left_to_it_and_the_rest_is_healed(planes: Planes) -> None:
    planes.apply()
    hook = planes.read("webhook")
    hook["webhooks"][0]["clientConfig"]["caBundle"] = "Y2E="
    hook["webhooks"][0]["failurePolicy"] = "Fail"
    planes.write("webhook", hook, "the-plane")
    scaled = planes.read("deployment")
    scaled["spec"]["replicas"] = 4
    planes.write("deployment", scaled, "kube-controller-manager")
    assert rows(planes.apply()) == {"c0/mesh": {"ok": OBJECTS + POLICIES}}
    hook = planes.read("webhook")
    hook["webhooks"][0]["rules"][0]["operations"] = ["DELETE"]
    planes.write("webhook", hook, "kubectl-edit")
    scaled = planes.read("deployment")
    scaled["spec"]["template"]["spec"]["containers"][0]["image"] = "plane:9"
    planes.write("deployment", scaled, "kubectl-edit")
    run = planes.apply()
    assert rows(run)["c0/mesh"] == {"ok": OBJECTS + POLICIES - 2, "changed": 2, "drifted": 2}, said(run)
    (hook,) = planes.read("webhook")["webhooks"]
    assert (hook["clientConfig"]["caBundle"], hook["failurePolicy"]) == ("Y2E=", "Fail")
    assert hook["rules"][0]["operations"] == ["CREATE"]
    spec = planes.read("deployment")["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (4, "plane:1")
    assert rows(planes.apply()) == {"c0/mesh": {"ok": OBJECTS + POLICIES}}


def test_a_control_plane_that_is_left_out_stays_and_one_that_is_to_go_is_pruned(planes: Planes) -> None:
    planes.apply()
    planes.install("", "somebody else's from now on")
    assert rows(planes.apply()) == {"c0/mesh": {"ok": POLICIES}}
    assert planes.read("deployment")["spec"]["template"]["spec"]["containers"][0]["image"] == "plane:1"

    planes.install("{state: Absent}", "away with it")
    held = planes.apply()
    assert (held.code, rows(held)) == (3, {"c0/mesh": {"ok": POLICIES, "blocked": OBJECTS}}), said(held)
    assert planes.status("deployment") == 200
    assert held.planned.plan is not None
    (target,) = held.planned.plan.targets
    run = planes.apply(confirmed=frozenset({target.guard_fingerprint}))
    assert rows(run)["c0/mesh"] == {"ok": POLICIES, "pruned": OBJECTS}, said(run)
    gone = ("webhook", "thing", "deployment", "service", "role", "definition")
    asyncio.run(until(lambda: asyncio.to_thread(lambda: {planes.status(kind) for kind in gone}), {404}.__eq__))
