"""Ownership marks on a native object: labels that select it, annotations that explain it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model import lent
from reconciler.model.intents import Origin
from reconciler.model.native import (
    COMMIT_ANNOTATION,
    EVENT_ANNOTATION,
    KEYS_ANNOTATION,
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
    """Who owns what is written: owner id and mesh as labels; identity of the source and commit as annotations.
    ``former``: identities that the same source had before."""

    owner: str
    mesh: str
    source: str
    commit: str
    former: frozenset[str] = frozenset()


def origin_text(origins: Iterable[Origin]) -> str:
    """The value of the origin annotation: documents, sorted; never files or lines, so moving a file writes nothing."""
    return ",".join(sorted({str(origin.ref) for origin in origins}))


def origin_refs(text: str) -> tuple[DocRef, ...]:
    """The documents that an origin annotation names; parts that are not of that form are left out."""
    parts = [part.strip().split("/") for part in text.split(",")]
    return tuple(DocRef(*part) for part in parts if len(part) == 3)


def stamp(native: NativeObject, mark: Mark) -> dict[str, Any]:
    """The body with our labels and annotations beside its own; what is not metadata is shared with it. On somebody
    else's object all of our marks are annotations."""
    metadata = dict(native.body.get("metadata") or {})
    whose = {OWNER_LABEL: mark.owner, MESH_LABEL: mark.mesh}
    if native.lent:
        whose[KEYS_ANNOTATION] = lent.worded(metadata)
    else:
        metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY_LABEL: MANAGED_BY, **whose}
    annotations = {**(metadata.get("annotations") or {}), ORIGIN_ANNOTATION: origin_text(native.origins)}
    annotations |= whose if native.lent else {}
    if mark.source:
        annotations[SOURCE_ANNOTATION] = mark.source
    if mark.commit:
        annotations[COMMIT_ANNOTATION] = mark.commit
    metadata["annotations"] = annotations
    return {**native.body, "metadata": metadata}


def with_commit(body: Mapping[str, Any], commit: str) -> dict[str, Any]:
    """The same body, carrying another commit ("": none)."""
    return _annotated(body, COMMIT_ANNOTATION, commit)


def with_event(body: Mapping[str, Any], event_id: str) -> dict[str, Any]:
    """The same body, carrying the id of the audit event of its write: a run that died is completed by it."""
    return _annotated(body, EVENT_ANNOTATION, event_id)


def _annotated(body: Mapping[str, Any], name: str, value: str) -> dict[str, Any]:
    metadata = dict(body["metadata"])
    annotations = {key: known for key, known in metadata.get("annotations", {}).items() if key != name}
    metadata["annotations"] = {**annotations, name: value} if value else annotations
    return {**body, "metadata": metadata}
