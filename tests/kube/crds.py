"""The CRDs that tests install: a mesh's own where the collection is at hand, else permissive ones for its kinds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.adapters import registry
from reconciler.model.native import NativeKind
from tests.adapters.crds import sets
from tests.kube.control_plane import ApiServer

ROOT = Path(__file__).resolve().parents[2]
PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#: groups of which every product serves other versions, so that no definition has all that are written
_OF_SEVERAL = "smi-spec.io"
BUILT_IN = frozenset(
    {
        "apps",
        "batch",
        "policy",
        "apiextensions.k8s.io",
        "admissionregistration.k8s.io",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
    }
)


def collection() -> Path | None:
    """The folder of real CRDs (``MESH_CRDS``, else beside the repository), or None where there is none."""
    folder = Path(os.environ.get("MESH_CRDS") or ROOT.parent / "shared" / "crds")
    return folder if folder.is_dir() else None


def real(mesh: str, kind: NativeKind) -> dict[str, Any] | None:
    """A mesh's own CRD for a kind, from the richest of its sets in the collection that has it, else from any other."""
    folder = collection()
    if folder is None or kind.kind.group.endswith(_OF_SEVERAL):
        return None
    name = f"{kind.kind.group}_{kind.plural}.yaml"
    own = list(reversed(sets(mesh)))
    rank = {known: number for number, known in enumerate(own)}
    found = sorted(folder.glob(f"*/{name}"), key=lambda path: (rank.get(path.parent.name, len(own)), path))
    body: dict[str, Any] | None = yaml.load(found[0].read_text(), yaml.CSafeLoader) if found else None
    return body


def permissive(kind: NativeKind) -> dict[str, Any]:
    """A CRD that serves the kind's versions and accepts any content."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    singular = kind.kind.kind.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.kind.group}"}
        # a group under k8s.io asks for a sign that it was reviewed
        | {"annotations": {"api-approved.kubernetes.io": "unapproved, for tests"}},
        "spec": {
            "group": kind.kind.group,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {"plural": kind.plural, "singular": singular, "kind": kind.kind.kind},
            "versions": [
                {"name": version, "served": True, "storage": number == 0, "schema": {"openAPIV3Schema": schema}}
                for number, version in enumerate(kind.versions)
            ],
        },
    }


def adapter_crds() -> list[dict[str, Any]]:
    """One CRD per custom kind of every installed adapter; a permissive one in all versions that any of them knows."""
    found: dict[str, list[tuple[str, NativeKind]]] = {}
    for mesh, adapter in sorted(registry.load_all().items()):
        for kind in (*adapter.kinds, *adapter.detect_kinds):
            if "." in kind.kind.group and kind.kind.group not in BUILT_IN:
                found.setdefault(f"{kind.plural}.{kind.kind.group}", []).append((mesh, kind))
    return [real(*several[0]) or permissive(_of_all(kind for _, kind in several)) for several in found.values()]


def _of_all(kinds: Iterable[NativeKind]) -> NativeKind:
    several = list(kinds)
    versions = dict.fromkeys(version for kind in several for version in kind.versions)
    return replace(several[0], versions=tuple(versions))


def install(server: ApiServer, bodies: Iterable[dict[str, Any]]) -> None:
    """Install CRDs and wait until every served version answers. Created, not applied: an apply refuses what this
    Kubernetes does not know yet (CEL rules), a create drops it. One of the same name that is there already stays."""
    bodies = list(bodies)
    for body in bodies:
        status, answer = server.request("POST", PATH, body)
        assert status in (201, 409), answer
    for body in bodies:
        spec = body["spec"]
        for version in spec["versions"]:
            if version["served"]:
                _await_served(server, f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}?limit=1")


def remove(server: ApiServer, bodies: Iterable[dict[str, Any]]) -> None:
    """Take CRDs and all objects of them away, and wait until they are gone."""
    paths = [f"{PATH}/{body['metadata']['name']}" for body in bodies]
    for path in paths:
        server.request("DELETE", path)
    end = time.monotonic() + 120
    while [path for path in paths if server.request("GET", path)[0] != 404]:
        assert time.monotonic() < end, f"not gone: {paths}"
        time.sleep(0.05)


def _await_served(server: ApiServer, path: str) -> None:
    end = time.monotonic() + 120
    while (answer := server.request("GET", path))[0] != 200:
        assert time.monotonic() < end, f"{path} is not served: {answer}"
        time.sleep(0.05)


def widgets() -> dict[str, Any]:
    body: dict[str, Any] = yaml.load(Path(__file__).with_name("widgets.yaml").read_text(), yaml.CSafeLoader)
    return body
