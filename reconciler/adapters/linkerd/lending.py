"""Annotations of ours on Services and Namespaces of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.intents import Origin
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.refs import ObjectKey


def keys(
    kind: NativeKind, namespace: str, name: str, said: Mapping[str, str], origins: Iterable[Origin]
) -> NativeObject:
    """Nothing but these annotations of an object that is not ours."""
    where = {"namespace": namespace} if kind.namespaced else {}
    body = {
        "apiVersion": kind.api_version(kind.versions[0]),
        "kind": kind.kind.kind,
        "metadata": {"name": name, **where, "annotations": dict(sorted(said.items()))},
    }
    key = ObjectKey(kind.kind.group, kind.kind.kind, namespace if kind.namespaced else "", name)
    return NativeObject(key, kind, body, tuple(sorted(set(origins))), lent=True)
