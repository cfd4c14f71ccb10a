"""Health on a real kube-apiserver: status is written beside the object, and generations are the server's own."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from tests.pipeline.fleet import rows
from tests.pipeline.test_kube import KubeFleet, kube_fleet

__all__ = ["kube_fleet"]


def judged(fleet: KubeFleet, name: str, **status: Any) -> None:
    """The control plane writes what it thinks of a VirtualService as it is now."""
    body = fleet.get("virtualservices", name)
    body["status"] = {"observedGeneration": body["metadata"]["generation"], **status}
    path = fleet.url("virtualservices", name) + "/status?fieldManager=pilot-discovery"
    code, answer = fleet.servers[0].request("PUT", path, body)
    assert code == 200, answer


def refuse(fleet: KubeFleet, name: str) -> None:
    said = {"type": {"code": "IST0101", "name": "ReferencedResourceNotFound"}, "level": "ERROR"}
    judged(fleet, name, validationMessages=[said])


def test_status_is_no_drift_and_its_words_are_told(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    fleet.settings(f"{{mode: Apply, owner: {fleet.namespace}, health: {{wait: 1s}}}}")
    fleet.commit("do not wait long")
    assert rows(fleet.apply()) == {"c0/mesh": {"changed": 3}}
    refuse(fleet, "cart")
    run = fleet.apply()
    assert rows(run) == {"c0/mesh": {"ok": 3, "degraded": 1}}
    assert [one.message for one in run.planned.findings if one.code == "object-degraded"] == [
        f"VirtualService {fleet.namespace}/cart is degraded on c0/mesh: IST0101 ReferencedResourceNotFound"
    ]
    # the next generation is one that nobody has looked at
    path = fleet.repo / "policies/cart.yaml"
    path.write_text(path.read_text().replace("1s", "2s"))
    fleet.commit("another timeout")
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 2, "changed": 1, "progressing": 1}}
    judged(fleet, "cart")
    assert rows(fleet.apply()) == {"c0/mesh": {"ok": 3}}
    assert [one.type for one in fleet.events(type="health.*")] == ["health.degraded", "health.recovered"]


async def test_a_run_waits_for_what_the_mesh_says_of_its_writes(kube_fleet: KubeFleet) -> None:
    fleet = kube_fleet
    await asyncio.to_thread(fleet.apply)
    await asyncio.to_thread(judged, fleet, "cart")
    path = fleet.repo / "policies/cart.yaml"
    path.write_text(path.read_text().replace("1s", "2s"))
    fleet.commit("another timeout")
    over = threading.Event()

    def pilot() -> None:
        """Looks at every new generation, as the control plane does."""
        while not over.wait(0.05):
            body = fleet.get("virtualservices", "cart")
            if body["metadata"]["generation"] > int(body["status"]["observedGeneration"]):
                refuse(fleet, "cart")

    watching = asyncio.create_task(asyncio.to_thread(pilot))
    try:
        run = await asyncio.to_thread(fleet.apply)
    finally:
        over.set()
        await watching
    assert rows(run) == {"c0/mesh": {"ok": 2, "changed": 1, "degraded": 1}}
