"""What the mesh says of our objects, over several runs: told in plan and recap, recorded once, gone when it is well."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import yaml

from reconciler.daemon.metrics import Metrics
from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model.findings import Severity
from reconciler.model.health import Health, HealthState, ObjectHealth
from reconciler.model.live import Listing, LiveObject, Written
from reconciler.model.native import NativeKind
from reconciler.model.plans import Plan, TargetPlan
from reconciler.model.refs import ObjectKey, TargetId
from reconciler.model.settings import Mode
from reconciler.pipeline import second_look
from reconciler.pipeline.health import told
from reconciler.pipeline.state import last_status
from reconciler.pipeline.world import World
from reconciler.report.plan_json import plan_json
from tests.pipeline.fleet import Fleet, codes, rows

REFUSED = {
    "observedGeneration": "1",
    "validationMessages": [
        {
            "type": {"code": "IST0101", "name": "ReferencedResourceNotFound"},
            "level": "ERROR",
            "documentationUrl": "https://istio.io/v1.27/docs/reference/config/analysis/ist0101/",
        }
    ],
    "conditions": [{"type": "Reconciled", "status": "True"}],
}
WORDS = "IST0101 ReferencedResourceNotFound https://istio.io/v1.27/docs/reference/config/analysis/ist0101/"


def say(fleet: Fleet, name: str, status: dict[str, Any] | None) -> None:
    """The control plane writes the status of a VirtualService."""
    path = fleet.live_path("VirtualService", name)
    body = yaml.safe_load(path.read_text())
    body.pop("status", None)
    path.write_text(yaml.safe_dump({**body, **({"status": status} if status else {})}))


def test_an_object_that_the_mesh_refuses_is_told_with_its_words(fleet: Fleet) -> None:
    fleet.apply()
    say(fleet, "cart", REFUSED)
    run = fleet.plan()
    assert rows(run) == {"eu/mesh": {"ok": 3, "degraded": 1}}
    assert run.code == 0
    (found,) = [one for one in run.planned.findings if one.code == "object-degraded"]
    assert WORDS in found.message
    assert (found.position.path, str(found.target)) == ("policies/cart.yaml", "eu/mesh")
    assert run.planned.plan is not None
    (target,) = plan_json(run.planned.plan, run.planned.prepared.commit)["targets"]
    assert target["health"] == [
        {
            "object": {
                "group": "networking.istio.io",
                "kind": "VirtualService",
                "namespace": "shop",
                "name": "cart",
            },
            "state": "Degraded",
            "message": WORDS,
        }
    ]


def test_one_event_when_it_begins_and_one_when_it_ends(fleet: Fleet) -> None:
    fleet.apply()
    say(fleet, "cart", REFUSED)
    for _ in range(3):
        fleet.apply()
    (began,) = fleet.events(type="health.*")
    assert (began.type, str(began.object)) == ("health.degraded", "VirtualService shop/cart")
    assert began.details["message"] == WORDS
    say(fleet, "cart", {"observedGeneration": "0", "conditions": []} | {"validationMessages": []})
    fleet.apply()
    say(fleet, "cart", None)
    for _ in range(2):
        assert rows(fleet.apply()) == {"eu/mesh": {"ok": 3}}
    assert [one.type for one in fleet.events(type="health.*")] == ["health.degraded", "health.recovered"]


def test_an_object_that_leaves_while_it_is_refused_is_not_refused_any_more(fleet: Fleet) -> None:
    fleet.apply()
    say(fleet, "cart", REFUSED)
    fleet.apply()
    fleet.remove("policies/cart.yaml")
    fleet.commit("no cart")
    assert rows(fleet.apply()) == {"eu/mesh": {"ok": 2, "pruned": 1}}
    assert [one.type for one in fleet.events(type="health.*")] == ["health.degraded", "health.recovered"]


def test_status_and_metrics_tell_it(fleet: Fleet) -> None:
    fleet.apply()
    say(fleet, "cart", REFUSED)
    run = fleet.apply()
    status = last_status(fleet.store)
    assert status is not None
    assert status["targets"][0]["degraded"] == 1
    assert any("object-degraded" in line and WORDS in line for line in status["findings"])
    metrics = Metrics()
    metrics.finished(run, 1.0, 1.0)
    assert b'reconciler_objects{cluster="eu",mesh="mesh",state="degraded"} 1.0' in metrics.text()


class Controlled(DirectoryCluster):
    """The mesh looks at an object when ours are listed for the second time after they were written."""

    verdict: ClassVar[dict[str, Any]] = {}
    lists = 0

    async def apply(self, body: Mapping[str, Any], kind: NativeKind, *, force: bool) -> Written:
        done = await super().apply(body, kind, force=force)
        type(self).lists = 0
        unseen = {**done.body, "metadata": {**done.body["metadata"], "generation": 2}}
        return replace(done, body={**unseen, "status": {"observedGeneration": "1"}})

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        type(self).lists += 1
        listing = await super().list_objects(kinds)
        status = {"observedGeneration": "2", **self.verdict} if self.lists > 1 else {"observedGeneration": "1"}
        return replace(listing, objects=tuple(_with(found, status) for found in listing.objects))


def _with(found: LiveObject, status: Mapping[str, Any]) -> LiveObject:
    body = {**found.body(), "status": status}
    body["metadata"]["generation"] = 2
    return replace(found, raw=json.dumps(body).encode())


def controlled(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, verdict: dict[str, Any]) -> None:
    world = fleet.world

    def made() -> World:
        live, facts = fleet.repo / "live/eu", fleet.repo / "facts/eu"
        return replace(world(), open_cluster=lambda cluster: Controlled(cluster.name, live, facts, fleet.repo))

    monkeypatch.setattr(Controlled, "verdict", verdict)
    monkeypatch.setattr(fleet, "world", made)


@pytest.mark.parametrize(("verdict", "counts"), [({}, {}), (REFUSED | {"observedGeneration": "2"}, {"degraded": 3})])
def test_after_its_writes_a_run_waits_for_the_mesh_to_look(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, verdict: dict[str, Any], counts: dict[str, int]
) -> None:
    controlled(fleet, monkeypatch, verdict)
    run = fleet.apply()
    assert rows(run) == {"eu/mesh": {"changed": 3, **counts}}
    assert ("object-degraded" in codes(run)) == bool(counts)
    assert "object-progressing" not in codes(run)
    assert Controlled.lists == 2


def test_it_does_not_wait_longer_than_it_is_told_to(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.settings("{mode: Apply, health: {wait: 0s}}")
    fleet.commit("no wait")
    controlled(fleet, monkeypatch, {})
    run = fleet.apply()
    assert rows(run) == {"eu/mesh": {"changed": 3, "progressing": 3}}
    assert {one.severity for one in run.planned.findings if one.code == "object-progressing"} == {Severity.INFO}
    assert run.code == 0
    assert not fleet.events(type="health.*")


def test_a_run_that_is_asked_to_stop_does_not_wait(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.settings("{mode: Apply, health: {wait: 10m}}")
    fleet.commit("a long wait")
    controlled(fleet, monkeypatch, {})
    monkeypatch.setattr(second_look, "FIRST_LOOK", 600.0)
    run = fleet.apply(stop=lambda: len(fleet.live()) == 3)
    assert rows(run) == {"eu/mesh": {"changed": 3, "progressing": 3}}


def test_what_holds_for_a_whole_file_is_told_once() -> None:
    target = TargetId("eu", "mesh")
    refused = Health(HealthState.DEGRADED, "no such cluster", "shop/web/routes/out.json")
    health = [ObjectHealth(target, ObjectKey("xds", "VirtualHost", "shop", f"web~out~{n}"), refused) for n in range(3)]
    own = Health(HealthState.DEGRADED, "no such cluster")
    health += [ObjectHealth(target, ObjectKey("xds", "Listener", "shop", f"web~{n}"), own) for n in range(2)]
    plan = Plan("0" * 40, (TargetPlan(target, Mode.APPLY, health=tuple(health)),))
    assert [one.message.partition(" is degraded")[0] for one in told(told(plan)).findings] == [
        "shop/web/routes/out.json (3 objects)",
        "Listener shop/web~0",
        "Listener shop/web~1",
    ]
