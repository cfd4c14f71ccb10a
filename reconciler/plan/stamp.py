"""Ownership marks on a native object: labels that select it, annotations that explain it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.intents import Origin
from reconciler.model.native import (
    COMMIT_ANNOTATION,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    MESH_LABEL,
    ORIGIN_ANNOTATION,
    OWNER_LABEL,
    SOURCE_ANNOTATION,
    NativeObject,
)
from reconciler.model.refs import DocRef


@dataclass(frozen=True, slots=True)
class Mark:
    """Who owns what is written: owner id and mesh as labels; identity of the source and commit as annotations."""

    owner: str
    mesh: str
    source: str
    commit: str


def origin_text(origins: Iterable[Origin]) -> str:
    """The value of the origin annotation: documents, sorted; never files or lines, so moving a file writes nothing."""
    return ",".join(sorted({str(origin.ref) for origin in origins}))


def origin_refs(text: str) -> tuple[DocRef, ...]:
    """The documents that an origin annotation names; parts that are not of that form are left out."""
    parts = [part.strip().split("/") for part in text.split(",")]
    return tuple(DocRef(*part) for part in parts if len(part) == 3)


def stamp(native: NativeObject, mark: Mark) -> dict[str, Any]:
    """A copy of the body with our labels and annotations beside its own."""
    body: dict[str, Any] = copy.deepcopy(dict(native.body))
    metadata = body.setdefault("metadata", {})
    metadata["labels"] = {
        **(metadata.get("labels") or {}),
        MANAGED_BY_LABEL: MANAGED_BY,
        OWNER_LABEL: mark.owner,
        MESH_LABEL: mark.mesh,
    }
    annotations = {**(metadata.get("annotations") or {}), ORIGIN_ANNOTATION: origin_text(native.origins)}
    if mark.source:
        annotations[SOURCE_ANNOTATION] = mark.source
    if mark.commit:
        annotations[COMMIT_ANNOTATION] = mark.commit
    metadata["annotations"] = annotations
    return body


def with_commit(body: Mapping[str, Any], commit: str) -> dict[str, Any]:
    """The same body, carrying another commit."""
    metadata = dict(body["metadata"])
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != COMMIT_ANNOTATION}
    metadata["annotations"] = {**annotations, COMMIT_ANNOTATION: commit} if commit else annotations
    return {**body, "metadata": metadata}
