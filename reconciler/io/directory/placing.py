"""What a write makes of an object: which file it is about, what is then in that, and what the object then is.

Keys of ours on an object of the facts folder lie in a file of their own, as a server-side apply would take it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.io.directory import layout
from reconciler.io.directory.merge import merged, with_keys
from reconciler.io.directory.tree import Stored, Tree, version_of
from reconciler.model.lent import is_lent
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.ports import Absent, Rejected


@dataclass(frozen=True, slots=True)
class Placed:
    """``content``: of the file, None where it goes. ``body``: the whole object. ``before``: as it is now."""

    path: Path
    content: Mapping[str, Any] | None
    body: dict[str, Any]
    before: Stored | None

    @property
    def changes(self) -> bool:
        return self.before is None or version_of(self.body) != self.before.version


def key_of(body: Mapping[str, Any], kind: NativeKind) -> ObjectKey:
    """Rejected where there is a namespace too many or too few."""
    meta = body["metadata"]
    key = ObjectKey(kind.kind.group, kind.kind.kind, str(meta.get("namespace") or ""), str(meta["name"]))
    if kind.namespaced != bool(key.namespace):
        raise Rejected(f"{key}: a {kind.kind} {'needs a' if kind.namespaced else 'has no'} namespace")
    return key


def place(tree: Tree, stored: Stored | None, body: Mapping[str, Any], kind: NativeKind) -> Placed:
    """Rejected where something is in the way; Absent where the body asks for a version of what is not there."""
    root = tree.root
    key = key_of(body, kind)
    if stored is None and body["metadata"].get("resourceVersion"):
        raise Absent(f"{key} is not there any more", 404)
    if stored is not None and (stored.read_only or stored.beneath is not None):
        return _on_another(root, stored, body, kind)
    path = stored.path if stored else layout.path_of(root, key)
    if stored is None and (path.is_symlink() or path.exists()):
        raise Rejected(f"{path.relative_to(root)} is in the way: it holds something else")
    wanted = merged(body, stored.body if stored else None, kind)
    gone = stored is not None and tree.facts is not None and kind.namespaced and _was_keys_only(stored, wanted)
    return Placed(path, None if gone else wanted, wanted, stored)


def _was_keys_only(stored: Stored, wanted: Mapping[str, Any]) -> bool:
    """Whether a file had keys of ours and nothing else, for an object that has left the facts folder."""
    metadata = wanted["metadata"]
    bare = not set(wanted) - {"apiVersion", "kind", "metadata"} and not set(metadata) - {"name", "namespace"}
    return bare and is_lent(stored.body["metadata"])


def _on_another(root: Path, stored: Stored, body: Mapping[str, Any], kind: NativeKind) -> Placed:
    theirs = stored.beneath or stored
    ours = merged(body, None, kind)
    path = layout.path_of(root, stored.key) if stored.read_only else stored.path
    return Placed(path, ours if is_lent(ours["metadata"]) else None, with_keys(ours, theirs.body), stored)
