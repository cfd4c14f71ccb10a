"""Keys of ours on objects of others: when they may be written, and how they are taken off again.

The object is its owner's. It is never created and never deleted, and a key that somebody else has set to another value
is theirs until ``adopt`` says otherwise. A server-side apply of nothing takes off exactly what we own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model import canonical, lent
from reconciler.model.live import LiveObject
from reconciler.model.native import FIELD_MANAGER, MESH_LABEL, OWNER_LABEL, SOURCE_ANNOTATION, NativeObject
from reconciler.model.plans import FieldChange, Reason
from reconciler.plan.authors import author_of, owned_paths, owners
from reconciler.plan.paths import Path, dotted
from reconciler.plan.stamp import Mark

Standing = tuple[Reason | None, str]
_OWN_PREFIX = "reconciler.dev/"


def foreign(found: LiveObject, mark: Mark, *, ours: bool | None) -> Standing:
    """Why no keys may be on an object, or taken off it, for the sake of its marks; (None, "") where they may be.
    ``ours``: whether our field manager wrote to it, None where nothing tells."""
    if holder := found.labels.get(OWNER_LABEL, ""):
        why = f"the reconciler {holder} wrote the whole object, and a second writer of the same name would undo that"
        return Reason.FOREIGN_OWNER, f"{why}: say what it needs where it is written"
    if not found.lent:
        return None, ""
    source = found.annotations.get(SOURCE_ANNOTATION, "")
    if found.owner != mark.owner:
        return Reason.FOREIGN_OWNER, f"the reconciler {found.owner} has keys on it"
    if mark.source and source and source not in (mark.source, *mark.former):
        return Reason.FOREIGN_OWNER, f"another repository with the owner id {found.owner} has keys on it"
    if found.annotations.get(MESH_LABEL) != mark.mesh:
        return Reason.FOREIGN_OWNER, f"the mesh {found.mesh} has keys on it"
    if ours is False:
        return Reason.UNOWNED, "it carries our marks but we never wrote it (copied from another object?)"
    return None, ""


def taken(native: NativeObject, found: LiveObject, before: NativeObject | None) -> Standing:
    """Which of the keys somebody else has set to something else; those that are ours by any record are drift."""
    body = found.body()
    known = owners(body)
    mine = {path[1:] for one in known if one.manager == FIELD_MANAGER for path in owned_paths(one.fields, body)}
    said = lent.named(body["metadata"])
    asked = {} if before is None else before.body["metadata"]
    told = []
    for part in lent.PARTS:
        live = body["metadata"].get(part) or {}
        for key, value in (native.body["metadata"].get(part) or {}).items():
            held = key not in live or live[key] == value or (part, key) in mine or key in said[part]
            if not held and key not in (asked.get(part) or {}):
                author = author_of(("metadata", part, key), body, known)
                told.append(f"{part[:-1]} {key} is {live[key]!r}" + (f", by {author.manager}" if author else ""))
    if not told:
        return None, ""
    return Reason.UNOWNED, f"not ours: {'; '.join(told)}. List the object in adopt[] to take over these keys only"


def keys_of(body: Mapping[str, Any]) -> dict[Path, Any]:
    """What an object has of us, by place, without the marks."""
    metadata = body["metadata"]
    known = [one for one in owners(body) if one.manager == FIELD_MANAGER]
    paths = {path for one in known for path in owned_paths(one.fields, body) if path[:1] == ("metadata",)}
    if not known:
        paths = {("metadata", part, key) for part, keys in lent.named(metadata).items() for key in keys}
    found = {path: (metadata.get(str(path[1])) or {}).get(path[2]) for path in paths if len(path) == 3}
    return {
        path: value
        for path, value in sorted(found.items(), key=str)
        if value is not None and not str(path[2]).startswith(_OWN_PREFIX)
    }


def taken_off(body: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """The keys as they go."""
    return tuple(FieldChange(dotted(path), "remove", value, None) for path, value in keys_of(body).items())


def bare(body: Mapping[str, Any]) -> dict[str, Any]:
    """What to apply so that nothing of us is left."""
    metadata = {name: body["metadata"][name] for name in ("name", "namespace") if name in body["metadata"]}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata}


def state_of(body: Mapping[str, Any]) -> str:
    """A hash of what is ours of an object."""
    return canonical.digest({dotted(path): value for path, value in keys_of(body).items()})
