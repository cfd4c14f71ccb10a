"""The eight policies on each mesh at a real kube-apiserver with the product's own definitions: accepted as they are
expected, in sync without a write, healed where a hand changed them, pruned routes before targets, and nothing of others
touched. What is written, and in which order, is read off the audit log of the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model.plans import Reason
from reconciler.report.paint import plain
from reconciler.report.withheld_text import withheld_text
from tests.adapters import crds as collection
from tests.eight.by_hand import edit_of, put
from tests.eight.eight import CLUSTER, MESHES, live
from tests.eight.on_a_server import Eight, Watched, label, living, of_others, path_of, plural
from tests.kube import crds
from tests.kube.control_plane import ControlPlane
from tests.pipeline.fleet import rows

pytestmark = pytest.mark.kube
TWO = """
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {type: smi, clusters: [c1]}
---
apiVersion: reconciler.dev/v1alpha1
kind: Mesh
metadata: {name: other}
spec: {type: istio, clusters: [files]}
---
apiVersion: reconciler.dev/v1alpha1
kind: VirtualMesh
metadata: {name: all}
spec: {meshes: {}}
"""
#: what goes before what: routes before their targets, what lets callers in after what shuts them out
ORDER = (
    ("VirtualService", "DestinationRule"),
    ("DestinationRule", "ServiceEntry"),
    ("VirtualService", "VirtualRouter"),
    ("HTTPRoute", "Service"),
    ("MeshHTTPRoute", "Service"),
    ("TrafficSplit", "Service"),
    ("TrafficTarget", "HTTPRouteGroup"),
    ("Server", "AuthorizationPolicy"),
    ("Server", "HTTPRoute"),
    ("AuthorizationPolicy", "MeshTLSAuthentication"),
    ("ServiceRouter", "ServiceSplitter"),
    ("ServiceSplitter", "ServiceResolver"),
    ("ServiceResolver", "ServiceDefaults"),
)


@pytest.fixture(scope="module")
def watched(kube_assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A server of these tests alone, since their names are fixed and some definitions come and go."""
    if crds.collection() is None:
        pytest.skip(collection.NONE)
    folder = tmp_path_factory.mktemp("audit")
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}
    verbs = ["create", "update", "patch", "delete", "deletecollection"]
    policy["rules"] = [{"level": "Metadata", "verbs": verbs}]
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy))
    (folder / "log").touch()
    arguments = (f"--audit-policy-file={folder}/policy.yaml", f"--audit-log-path={folder}/log")
    with ControlPlane(kube_assets, extra_args=arguments) as plane:
        yield Watched(plane.clusters[0], folder / "log")


@pytest.fixture(params=MESHES)
def eight(request: pytest.FixtureRequest, tmp_path: Path, watched: Watched) -> Iterator[Eight]:
    made = Eight(tmp_path, watched, request.param)
    with living(made, live(request.param), made.asked):
        yield made


def test_a_mesh_whose_definitions_are_missing_leaves_the_other_one_alone(tmp_path: Path, watched: Watched) -> None:
    """A virtual mesh of two products: on the server the controller of one runs, and its definitions are not there."""
    made = Eight(tmp_path, watched, "traefik-mesh")
    made.file("desired-state/mesh.yaml", TWO)
    made.cluster("files", {"directory": {"path": "live/files", "facts": "facts/files"}})
    made.facts("files", live("istio"))
    made.commit("two meshes")
    with living(made, live("traefik-mesh"), asked=()):
        run = made.apply()
        told = rows(run)
        assert told["files/other"] == {"changed": len(made.live("files"))}
        assert told["c1/mesh"]["blocked"] == 1
        held = [one for one in run.planned.plan.changes if one.withheld]
        assert [(label_of(one.key), one.withheld) for one in held] == [("TrafficSplit b", Reason.KIND_ABSENT)]
        assert "install the mesh's CustomResourceDefinitions" in withheld_text(run.planned.plan, plain)


def test_the_eight_policies_come_stay_are_healed_and_go(eight: Eight) -> None:
    accepted(eight)
    in_sync(eight)
    healed(eight)
    theirs = beside(eight)
    pruned(eight)
    assert eight.lost([*live(eight.mesh), *theirs]) == []


def accepted(eight: Eight) -> None:
    """Exactly what is expected of this mesh is written and kept whole."""
    first = eight.apply()
    assert [result.message for result in first.results if result.message] == []
    assert {label_of(result.change.key) for result in first.results} == set(map(label, eight.asked)), [
        str(finding) for finding in first.planned.findings
    ]
    assert eight.lost(eight.asked) == []


def label_of(key: Any) -> str:
    return f"{key.kind} {key.name}"


def in_sync(eight: Eight) -> None:
    """Neither by what is remembered nor by comparison alone is there anything to write."""
    before = eight.versions()
    eight.watched.written()
    for remembered in (True, False):
        if not remembered:
            eight.store.replace_proven(CLUSTER, {})
        run = eight.apply()
        told = {name: count for name, count in rows(run)[f"{CLUSTER}/mesh"].items() if name != "progressing"}
        assert told.pop("ok") == len(eight.asked)
        assert set(told) <= {"blocked"}
        assert not run.planned.live.clusters[CLUSTER].predictions
    assert (eight.watched.written(), eight.versions()) == ([], before)


def healed(eight: Eight) -> None:
    """A field of every object is changed by hand; each is drift, and comes back."""
    edited = []
    for body in eight.asked:
        if (change := edit_of(body)) is not None:
            edited.append(label(body))
            changed = eight.read(body)
            put(changed, *change)
            status, answer = eight.server.request("PUT", f"{path_of(body)}?fieldManager=kubectl-edit", changed)
            assert status == 200, answer
    assert {one.split()[0] for one in edited} == {body["kind"] for body in eight.asked}
    assert len(eight.lost(eight.asked)) == len(edited)
    run = eight.apply()
    drifted = {label_of(one.key) for one in run.planned.plan.changes if any(field.drift for field in one.fields)}
    assert drifted == set(edited)
    assert eight.lost(eight.asked) == []


def beside(eight: Eight) -> list[dict[str, Any]]:
    """Objects of somebody else that are like ours but for their names; keys on objects of others are none."""
    theirs = [of_others(body) for body in eight.asked if "spec" in body]
    for body in theirs:
        status, answer = eight.server.apply(path_of(body), body)
        assert status == 201, answer
    return theirs


def pruned(eight: Eight) -> None:
    """What the policies had made goes, routes before what they lead to."""
    eight.withdraw()
    eight.watched.written()
    plan = eight.plan().planned.plan
    run = eight.apply(confirmed=frozenset({plan.targets[0].guard_fingerprint} - {""}))
    assert [result.message for result in run.results if result.message] == []
    writes = eight.watched.written()
    own = [body for body in eight.asked if "spec" in body]
    assert sorted(write.name for write in writes if write.verb == "delete") == sorted(
        body["metadata"]["name"] for body in own
    )
    gone = [write.plural for write in writes if write.verb == "delete"]
    names = {body["kind"]: plural(body["apiVersion"], body["kind"]) for body in own}
    for first, second in ((names[one], names[other]) for one, other in ORDER if one in names and other in names):
        assert max(place(gone, first)) < min(place(gone, second)), (first, second, gone)
    assert all(eight.server.request("GET", path_of(body))[0] == 404 for body in own)
    for body in [body for body in eight.asked if "spec" not in body]:
        left = eight.read(body)["metadata"].get("annotations") or {}
        assert not set(left) & set(body["metadata"]["annotations"])


def place(gone: list[str], plural: str) -> list[int]:
    return [number for number, one in enumerate(gone) if one == plural]
