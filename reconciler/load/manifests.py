"""``Mesh.spec.install``: a control plane whose native objects lie in a folder of the repository."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.load.blocks import Decoder
from reconciler.load.files import MANIFESTS
from reconciler.load.ledger import worded
from reconciler.load.names import nearest
from reconciler.load.native_files import read_native
from reconciler.load.nodes import Map, place_of, position
from reconciler.model.extensions import RawObject
from reconciler.model.findings import Finding, Position, error
from reconciler.model.meshes import Install

_RENDERED = {
    "Helm": "render it: helm template ... > manifests/NAME/all.yaml",
    "Operator": "write what the operator would make to manifests/NAME/all.yaml, by its own command",
}


@dataclass(frozen=True, slots=True)
class _Folder:
    """What the files at a path come to."""

    digest: str
    objects: tuple[RawObject, ...]
    findings: tuple[Finding, ...]


_NOTHING = _Folder("", (), ())


@dataclass(slots=True)
class Manifests:
    """The files below ``manifests/``, and why others there were not read. What is wrong in one is told once, whoever
    names it; the Mesh document that does stays in use, and writes nothing of it."""

    files: Mapping[str, bytes]
    refused: Mapping[str, str]
    _known: dict[str, _Folder] = field(default_factory=dict)

    def findings(self) -> list[Finding]:
        """What is wrong in the files that were asked for."""
        return [finding for folder in self._known.values() for finding in folder.findings]

    def install(self, spec: Map, into: Decoder) -> Install | None:
        """How a Mesh document wants its control plane; None where it leaves that to others."""
        if "install" not in spec:
            return None
        node = spec["install"]
        method, present = node.get("method", "Manifest"), node.get("state", "Present") == "Present"
        if method in _RENDERED:
            told = f"the method `{method}` is not supported yet"
            into.complain("unsupported-field", told, node.values_at["method"], _RENDERED[method])
        if present and "source" not in node:
            into.complain("missing-field", "`source` is missing", node.at, "name a folder: {path: manifests/NAME}")
        path = node["source"]["path"].rstrip("/") if "source" in node else ""
        found = self._folder(path, node, into) if path and not into.findings else _NOTHING
        return Install(
            position=position(node.at),
            present=present,
            path=path,
            namespace=node.get("namespace", ""),
            digest=found.digest,
            objects=found.objects,
            problem=worded(found.findings[0]) if found.findings else "",
        )

    def _folder(self, path: str, node: Map, into: Decoder) -> _Folder:
        at = place_of(node, ["source", "path"])
        if {".", ".."} & set(path.split("/")):
            into.complain("wrong-value", f"`{path}` leads elsewhere", at, "write a path without `.` and `..`")
        elif not _below(path, self.files) and not _below(path, self.refused):
            folders = {one.rpartition("/")[0] for one in self.files}
            told = f"there is no YAML file at or below `{path}`"
            into.complain("unknown-reference", told, at, nearest(path, folders) or f"files lie below {MANIFESTS}/")
        elif path not in self._known:
            self._known[path] = self._read(path)
        return self._known.get(path, _NOTHING)

    def _read(self, path: str) -> _Folder:
        findings = [
            error("file-refused", f"not read: {self.refused[one]}", Position(one)) for one in _below(path, self.refused)
        ]
        objects: list[RawObject] = []
        digest = hashlib.sha256()
        for name in _below(path, self.files):
            data = self.files[name]
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
            file = read_native(name, data)
            objects += file.objects
            findings += file.findings
        findings += _twice(objects)
        return _Folder(digest.hexdigest(), tuple(objects), tuple(sorted(findings, key=lambda one: one.sort_key)))


def _below(path: str, names: Mapping[str, object]) -> list[str]:
    """The files at a path or below it."""
    return sorted(name for name in names if name == path or name.startswith(f"{path}/"))


def _twice(objects: list[RawObject]) -> list[Finding]:
    seen: dict[tuple[str, ...], Position] = {}
    found = []
    for one in objects:
        body, metadata = one.body, one.body["metadata"]
        group = body["apiVersion"].rpartition("/")[0]
        key = (group, body["kind"], metadata.get("namespace", ""), metadata["name"])
        if key in seen:
            told = f"{body['kind']} `{metadata['name']}` is there already, at {seen[key]}"
            found.append(error("duplicate-document", told, one.position, "keep one of them"))
        seen.setdefault(key, one.position)
    return found
