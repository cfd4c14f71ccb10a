"""A mesh of the eight policies on a real kube-apiserver: definitions, control plane, and what was written there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from reconciler.adapters import registry
from tests.adapters import crds as collection
from tests.eight.eight import CLUSTER, HERE, POLICIES, TOGETHER, documents
from tests.kube import crds
from tests.kube.control_plane import ApiServer
from tests.pipeline.fleet import Fleet
from tests.pipeline.golden import missing

Body = Mapping[str, Any]
#: products that serve definitions of one name in versions of their own
APART = {
    "osm": ("osm", "smi-osm"),
    "traefik-mesh": ("smi-traefik-mesh",),
    "nginx-service-mesh": ("nginx-service-mesh",),
}


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


@contextmanager
def living(eight: Eight, there: Iterable[Body], asked: Iterable[Body]) -> Iterator[None]:
    """The objects live on the server while this lasts, with the definitions that they and the asked ones need."""
    server, bodies = eight.server, sorted(there, key=lambda body: body["kind"] != "Namespace")
    served = definitions(eight.mesh, [*bodies, *asked])
    try:
        crds.install(server, served)
        for body in bodies:
            status, answer = server.apply(path_of(body), body)
            assert status in (200, 201), (path_of(body), str(answer))
        yield
    finally:
        eight.store.close()
        for body in [*eight.asked, *map(of_others, eight.asked), *bodies]:
            if body["kind"] != "Namespace":
                server.request("DELETE", path_of(body))
        crds.remove(server, served if eight.mesh in APART else [])


def of_others(body: Body) -> dict[str, Any]:
    name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
    return {**body, "metadata": {"name": f"theirs-{name}", "namespace": namespace}}
