"""Every object of every case on a real kube-apiserver with the mesh's own CRDs: accepted whole, and in sync at once.

Whole runs, with emitters that give what the cases expect. CEL rules and the meshes' webhooks are not in this server;
tests/adapters/cel.py evaluates the first, docs/adapters.md says what is known of the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.built import Built
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.world import World
from tests.adapters import crds as known
from tests.adapters import test_adapter_cases as adapter_cases
from tests.kube import crds
from tests.kube.control_plane import ApiServer, ControlPlane, assets_folder
from tests.pipeline.fleet import Fleet, rows
from tests.pipeline.golden import Golden, adapter_objects, apart, missing, whole_objects

pytestmark = pytest.mark.kube

MESH = "apiVersion: reconciler.dev/v1alpha1\nkind: Mesh\nmetadata: {name: %s}\nspec: {type: %s, clusterSelector: {}}\n"


class GoldenFleet(Fleet):
    """One API server with a mesh of each type, which is asked for exactly the given objects."""

    def __init__(self, folder: Path, server: ApiServer, golden: Golden, prefix: str) -> None:
        self.server = server
        super().__init__(folder, {"eu": {"kubeconfig": {"path": str(server.kubeconfig)}}})
        for name in ("policies/reviews.yaml", "policies/cart.yaml", "desired-state/mesh.yaml"):
            self.remove(name)
        self.objects, self.cases = apart(golden, prefix)
        for mesh in self.objects:
            self.file(f"desired-state/{mesh}.yaml", MESH % (mesh, mesh))
        self.settings(f"{{mode: Apply, owner: {prefix}, limits: {{timeout: 60s}}}}")
        self.commit("a mesh of each type")
        for namespace in self.cases:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            assert server.request("POST", "/api/v1/namespaces", body)[0] == 201

    def world(self, trigger: str = "test") -> World:
        world = super().world(trigger)
        made = {name: replace(adapter, emitters=(self._emit,)) for name, adapter in world.adapters.items()}
        return replace(world, adapters=made)

    def _emit(self, intent: MeshIntent) -> list[Built]:
        return [Built(tuple(self.objects.get(intent.mesh.type, ())))]

    def asked(self) -> list[NativeObject]:
        return [one for several in self.objects.values() for one in several]

    def path(self, one: NativeObject) -> str:
        root = "/apis" if one.key.group else "/api"
        return f"{root}/{one.api_version}/namespaces/{one.key.namespace}/{one.kind.plural}/{one.key.name}"

    def lost(self) -> list[str]:
        """What was asked and is not on the server, by case."""
        found = []
        for one in self.asked():
            status, live = self.server.request("GET", self.path(one))
            gone = missing(one.body, live) if status == 200 else [str(live)]
            found += [f"{self.cases[one.key.namespace]} {one.key}: {path}" for path in gone]
        return found

    def clear(self) -> None:
        for one in self.asked():
            self.server.request("DELETE", self.path(one))


def accepted_and_in_sync(fleet: GoldenFleet) -> None:
    first = fleet.apply()
    refused = [f"{fleet.cases[r.change.key.namespace]} {r.change.key}: {r.message}" for r in first.results if r.message]
    assert refused == []
    assert Counter(result.change.key.kind for result in first.results) == Counter(
        one.key.kind for one in fleet.asked()
    ), [str(finding) for finding in first.planned.findings]
    assert fleet.lost() == []
    in_sync(fleet, fleet.apply())
    # and with nothing remembered, by comparison alone
    fleet.store.replace_proven("eu", {})
    again = fleet.apply()
    in_sync(fleet, again)
    assert not again.planned.live.clusters["eu"].predictions


def in_sync(fleet: GoldenFleet, run: Run) -> None:
    changes = [f"{fleet.cases[c.key.namespace]} {c.key}: {c.fields}" for c in run.planned.plan.changes if c.pending]
    assert changes == []
    found = Counter({target: counts.get("ok", 0) for target, counts in rows(run).items()})
    assert found == Counter(f"eu/{mesh}" for mesh, several in fleet.objects.items() for _ in several)


@pytest.fixture
def asking(
    tmp_path: Path, kube: ApiServer, fresh_namespace: str, mesh_crds: str
) -> Iterator[Callable[[Golden], GoldenFleet]]:
    made: list[GoldenFleet] = []

    def ask(golden: Golden) -> GoldenFleet:
        made.append(GoldenFleet(tmp_path, kube, golden, fresh_namespace))
        return made[-1]

    yield ask
    for fleet in made:
        fleet.clear()
        fleet.store.close()


def test_every_object_of_every_case_is_accepted_whole_and_in_sync_at_once(asking: Any) -> None:
    fleet = asking(adapter_objects() | whole_objects())
    assert len(fleet.asked()) > 200
    accepted_and_in_sync(fleet)


def test_what_a_server_drops_or_refuses_is_found(asking: Any) -> None:
    case = Path(adapter_cases.__file__).parent / "cases/istio/redirect"
    (one,) = adapter_cases.emitted(case, adapter_cases.read(case))
    dropped, refused = (_with(one, "unknown", "x"),), (_with(one, "exportTo", 7),)
    fleet = asking({("istio", "dropped"): dropped, ("istio", "refused"): refused})
    run = fleet.apply()
    (said,) = (result.message for result in run.results if result.message)
    assert "spec.exportTo" in said
    # the definition does not know the other one's field, so it is not even sent
    assert len(run.results) == 1
    assert [text.split(" ")[0] for text in sorted(fleet.lost())] == ["istio/dropped", "istio/refused"]
    assert missing({"a": [{"b": 1}], "c": "d"}, {"a": [{"b": True}], "c": "d", "e": 1}) == [".a[0].b"]


def _with(one: NativeObject, field: str, value: Any) -> NativeObject:
    return replace(one, body={**one.body, "spec": {**one.body["spec"], field: value}})


def standard_crds() -> list[dict[str, Any]]:
    paths = sorted((known.folder() / "gateway-api-standard").glob("*.yaml"))
    return [body for path in paths for body in yaml.safe_load_all(path.read_text())]


def test_what_is_compiled_for_the_standard_channel_is_accepted_there(tmp_path: Path, kube_clusters: Any) -> None:
    definitions = standard_crds()
    if not definitions:
        pytest.skip(known.NONE)
    golden = {key: objects for key, objects in whole_objects(definitions).items() if key[0] == "gateway-api"}
    assert golden
    with ControlPlane(assets_folder()) as plane:
        crds.install(plane.clusters[0], definitions)
        fleet = GoldenFleet(tmp_path, plane.clusters[0], golden, "standard")
        accepted_and_in_sync(fleet)
        fleet.store.close()
