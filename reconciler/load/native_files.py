"""Native objects in a YAML file of the repository, lists of them taken apart; and what cannot be one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from reconciler.load.files import parse, unfit
from reconciler.load.nodes import Map, Place, Seq, place_of, position
from reconciler.load.values import plain
from reconciler.model.extensions import RawObject
from reconciler.model.findings import Finding, Position, error
from reconciler.model.refs import API_VERSION

_RENDER = "render it first: helm template ... > manifests/NAME/all.yaml"
#: what a server says of an object, and tools that print objects print too
_OF_THE_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
_HOOK = "helm.sh/hook"
_KEPT = 64  # files whose objects are remembered from one revision to the next


@dataclass(frozen=True, slots=True)
class NativeFile:
    objects: tuple[RawObject, ...] = ()
    findings: tuple[Finding, ...] = ()


@lru_cache(maxsize=_KEPT)
def read_native(path: str, data: bytes) -> NativeFile:
    """The objects of a file in their order; empty documents are left out."""
    if problem := unfit(path, data):
        return NativeFile((), (problem,))
    text = data.decode().removeprefix("\ufeff")
    file = parse(path, text)
    findings = [_with_template_hint(finding, text) for finding in file.findings]
    objects: list[RawObject] = []
    for page in file.pages:
        findings += [_with_template_hint(finding, text) for finding in page.mistakes]
        for root, at in _single(page.root, page.at) if not page.mistakes else ():
            found = _wrong(root, at)
            findings += found
            if not found:
                objects.append(RawObject(_bare(plain(root)), position(root.at)))
    return NativeFile(tuple(objects), tuple(findings))


def _with_template_hint(finding: Finding, text: str) -> Finding:
    return replace(finding, hint=_RENDER) if "{{" in text else finding


def _single(root: Any, at: Place) -> Iterator[tuple[Any, Place]]:
    """The objects that a document stands for: itself, or the items of a list."""
    items = root.get("items") if isinstance(root, Map) and str(root.get("kind", "")).endswith("List") else None
    if not isinstance(items, Seq):
        yield root, at
        return
    for item, place in items.entries():
        yield from _single(item, place)


def _wrong(root: Any, at: Place) -> list[Finding]:
    if not isinstance(root, Map):
        message = "not a native object: expected a mapping with apiVersion and kind"
        return [error("document-shape", message, position(at))]
    for name in ("apiVersion", "kind"):
        if not isinstance(root.get(name), str) or not root[name]:
            message = f"not a native object: `{name}` is missing or not text"
            hint = "a chart has to be rendered; other files belong elsewhere"
            return [error("document-shape", message, position(place_of(root, [name])), hint)]
    metadata = root.get("metadata")
    if not isinstance(metadata, Map) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        where = position(place_of(root, ["metadata", "name"]))
        return [error("document-shape", f"this {root['kind']} has no `metadata.name`", where)]
    if not isinstance(metadata.get("namespace") or "", str):
        return [error("document-shape", "`metadata.namespace` is not text", _at(root, "metadata", "namespace"))]
    return [*_misplaced(root, metadata)]


def _misplaced(root: Map, metadata: Map) -> Iterator[Finding]:
    named = f"{root['kind']} {metadata['name']}"
    if root["apiVersion"] == API_VERSION:
        hint = "write it below desired-state/ or policies/"
        yield error("document-shape", f"{named} is no native object", _at(root, "apiVersion"), hint)
    if (root["apiVersion"], root["kind"]) == ("v1", "Secret"):
        for key in ("data", "stringData"):
            if root.get(key):
                hint = "leave it out, and have it made in the cluster"
                yield error("secret-in-clear", f"{named} has its content in Git", _at(root, key), hint)
    if isinstance(annotations := metadata.get("annotations"), Map) and _HOOK in annotations:
        where = _at(root, "metadata", "annotations", _HOOK)
        yield error("manifest-hook", f"{named} is a hook of Helm", where, "helm template --no-hooks ...")


def _at(root: Map, *path: str) -> Position:
    return position(place_of(root, path, key=True))


def _bare(body: dict[str, Any]) -> dict[str, Any]:
    """The object without what a server says of it; labels and annotations that say nothing are left out."""
    said = body["metadata"].items()
    metadata = {key: value for key, value in said if key not in _OF_THE_SERVER and value is not None}
    return {key: value for key, value in body.items() if key != "status"} | {"metadata": metadata}
