"""The eight policies on each mesh at a real kube-apiserver with the product's own definitions: accepted as they are
expected, in sync without a write, healed where a hand changed them, pruned routes before targets, and nothing of others
touched. What is written, and in which order, is read off the audit log of the server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters import registry
from tests.adapters import crds as collection
from tests.eight.by_hand import edit_of, put
from tests.eight.eight import CLUSTER, HERE, MESHES, POLICIES, TOGETHER, documents, live
from tests.kube import crds
from tests.kube.control_plane import ApiServer, ControlPlane
from tests.pipeline.fleet import Fleet, rows
from tests.pipeline.golden import missing

pytestmark = pytest.mark.kube
Body = Mapping[str, Any]
#: products that serve definitions of one name in versions of their own
APART = {
    "osm": ("osm", "smi-osm"),
    "traefik-mesh": ("smi-traefik-mesh",),
    "nginx-service-mesh": ("nginx-service-mesh",),
}
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


@dataclass(frozen=True)
class Write:
    """A request of ours that changed something."""

    verb: str
    plural: str
    name: str


class Watched:
    """An API server, and what was written there."""

    def __init__(self, server: ApiServer, log: Path) -> None:
        self.server, self._log, self._seen = server, log, 0

    def written(self) -> list[Write]:
        """Since the last call, by the reconciler, in the order in which the server answered."""
        lines = self._log.read_text().splitlines()
        fresh, self._seen = lines[self._seen :], len(lines)
        return [write for line in fresh if (write := _write(json.loads(line)))]


def _write(event: Body) -> Write | None:
    ours = not event["userAgent"].startswith("Python-urllib") and event["user"]["username"] == "admin"
    if not ours or "dryRun=" in event["requestURI"] or event["responseStatus"]["code"] >= 300:
        return None
    ref = event["objectRef"]
    return Write(event["verb"], ref["resource"], ref.get("name", ""))


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


def definitions(mesh: str, bodies: Iterable[Body]) -> list[dict[str, Any]]:
    """Those of the objects, and of no others: a server takes a second for each."""
    kinds = {(body["apiVersion"].rpartition("/")[0], body["kind"]) for body in bodies}
    if mesh in APART:
        paths = [path for name in APART[mesh] for path in sorted((collection.folder() / name).glob("*.yaml"))]
        known = [body for path in paths for body in yaml.load_all(path.read_text(), yaml.CSafeLoader)]
    else:
        known = _known()
    return [body for body in known if (body["spec"]["group"], body["spec"]["names"]["kind"]) in kinds]


@cache
def _known() -> list[dict[str, Any]]:
    return crds.adapter_crds()


class Eight(Fleet):
    """The mesh of a case on the server, and all eight policies in Git."""

    def __init__(self, folder: Path, watched: Watched, mesh: str) -> None:
        self.watched, self.server, self.mesh = watched, watched.server, mesh
        super().__init__(folder, {CLUSTER: {"kubeconfig": {"path": str(self.server.kubeconfig)}}})
        for name in ("policies/reviews.yaml", "policies/cart.yaml"):
            self.remove(name)
        limits = "{timeout: 60s, maxDeletes: 100, maxDeletePercent: 100, maxChangedPercent: 100}"
        self.settings(f"{{mode: Apply, limits: {limits}}}")
        for body in documents(mesh, POLICIES):
            kind = body["kind"]
            path = "desired-state/mesh" if kind == "Mesh" else f"policies/{kind}-{body['metadata']['name']}"
            self.file(f"{path}.yaml", yaml.safe_dump(body))
        self.commit("eight policies")
        expected = yaml.load((HERE / f"expected/{mesh}.yaml").read_text(), yaml.CSafeLoader)
        self.asked: list[dict[str, Any]] = expected[TOGETHER]["objects"][f"{CLUSTER}/mesh"]

    def withdraw(self) -> None:
        for path in (self.repo / "policies").iterdir():
            path.unlink()
        self.commit("no policies")

    def read(self, body: Body) -> dict[str, Any]:
        status, found = self.server.request("GET", path_of(body))
        assert status == 200, found
        return dict(found)

    def lost(self, bodies: Iterable[Body]) -> list[str]:
        """What of these objects is not on the server, by object."""
        return [f"{label(body)}{gone}" for body in bodies for gone in missing(body, self.read(body))]

    def versions(self) -> list[str]:
        return [self.read(body)["metadata"]["resourceVersion"] for body in self.asked]


def label(body: Body) -> str:
    return f"{body['kind']} {body['metadata']['name']}"


def path_of(body: Body) -> str:
    metadata, version = body["metadata"], body["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    place = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{place}/{plural(body['apiVersion'], body['kind'])}/{metadata['name']}"


def plural(version: str, kind: str) -> str:
    group = version.rpartition("/")[0]
    kinds = {
        (one.kind.group, one.kind.kind): one.plural
        for adapter in registry.load_all().values()
        for one in (*adapter.detect_kinds, *adapter.kinds)
    }
    return kinds.get((group, kind), f"{kind.lower()}s")


@pytest.fixture(params=MESHES)
def eight(request: pytest.FixtureRequest, tmp_path: Path, watched: Watched) -> Iterator[Eight]:
    mesh, server = request.param, watched.server
    made = Eight(tmp_path, watched, mesh)
    there = sorted(live(mesh), key=lambda body: body["kind"] != "Namespace")
    served = definitions(mesh, [*there, *made.asked])
    try:
        crds.install(server, served)
        for body in there:
            status, answer = server.apply(path_of(body), body)
            assert status in (200, 201), (path_of(body), str(answer))
        yield made
    finally:
        made.store.close()
        for body in [*made.asked, *map(of_others, made.asked), *there]:
            if body["kind"] != "Namespace":
                server.request("DELETE", path_of(body))
        crds.remove(server, served if mesh in APART else [])


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


def of_others(body: Body) -> dict[str, Any]:
    name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
    return {**body, "metadata": {"name": f"theirs-{name}", "namespace": namespace}}


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
