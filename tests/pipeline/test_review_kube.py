"""A review on a real API server, as CI makes it: without the state of any daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.io.store import open_store
from reconciler.pipeline.review import review
from reconciler.pipeline.world import Request
from tests.kube.control_plane import ApiServer
from tests.pipeline.test_kube import KubeFleet

pytestmark = pytest.mark.kube


@pytest.fixture
def kube_fleet(tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str) -> Iterator[KubeFleet]:
    made = KubeFleet(tmp_path, [kube], fresh_namespace)
    yield made
    made.store.close()


def test_without_state_the_cluster_tells_drift_from_what_waits(kube_fleet: KubeFleet, tmp_path: Path) -> None:
    fleet = kube_fleet
    assert fleet.apply().code == 0
    body = fleet.get("virtualservices", "reviews")
    body["spec"]["http"][0]["timeout"] = "30s"
    fleet.put("virtualservices", body)
    fleet.policy("late", f"{{to: [cart.{fleet.namespace}], rule: {{retries: 4}}}}")
    fleet.commit("on main, not applied")
    fleet.git("checkout", "-q", "-b", "change")
    fleet.policy("cart", f"{{to: [cart.{fleet.namespace}], rule: {{timeout: 2s}}}}")
    fleet.commit("mine")
    store = open_store(tmp_path / "nothing")
    made = asyncio.run(review(replace(fleet.world(), store=store), Request(), "main", "change", live=True))
    store.close()
    (target,) = made.targets
    assert target.error == ""
    ((caused,), (drift,), (waits,)) = (target.caused, target.drift, target.waiting)
    assert [field.path for field in caused.fields] == ["spec.http[0].timeout"]
    assert drift.change.key.name == "reviews"
    (field,) = drift.fields
    assert (field.path, field.before, field.author and field.author.manager) == (
        "spec.http[0].timeout",
        "30s",
        "kubectl-edit",
    )
    assert waits.change.key.name == "cart"
    assert {field.path for field in waits.fields if not field.path.startswith("metadata.")} == {"spec.http[0].retries"}
    assert fleet.get("virtualservices", "reviews")["spec"]["http"][0]["timeout"] == "30s", "nothing is written"
