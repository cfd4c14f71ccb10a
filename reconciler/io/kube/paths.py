"""The URL paths of the Kubernetes API."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote, unquote

from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.ports import Rejected


def group_version(group: str, version: str) -> str:
    return f"/apis/{quote(group, safe='')}/{quote(version, safe='')}" if group else f"/api/{quote(version, safe='')}"


@lru_cache(maxsize=4096)
def collection(kind: NativeKind, version: str, namespace: str = "") -> str:
    """Path of all objects of a kind, in one namespace or ("") everywhere."""
    place = f"/namespaces/{_segment(namespace)}" if namespace else ""
    return f"{group_version(kind.kind.group, version)}{place}/{quote(kind.plural, safe='')}"


def item(kind: NativeKind, version: str, key: ObjectKey) -> str:
    """Path of one object. Rejected when its namespace or name cannot be part of a path."""
    if kind.namespaced != bool(key.namespace):
        raise Rejected(f"{key}: a {kind.kind} {'needs a' if kind.namespaced else 'has no'} namespace")
    return f"{collection(kind, version, key.namespace)}/{_segment(key.name)}"


def resource(collection: str) -> tuple[str, str]:
    """Group and plural of the path of a collection everywhere, whatever its version."""
    *start, _version, plural = collection.split("/")
    return (unquote(start[2]) if start[1] == "apis" else "", unquote(plural))


def _segment(name: str) -> str:
    """A name as part of a path, by the API server's own rule for such names."""
    if name in ("", ".", "..") or "/" in name or "%" in name:
        raise Rejected(f"{name!r} is not a name that a Kubernetes object can have")
    return quote(name, safe="")
