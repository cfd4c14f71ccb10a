"""Annotations of ours on Services and Namespaces of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import HostIntent, Origin
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.refs import ObjectKey
from reconciler.model.rules import Leaf


def check_there(host: HostIntent, leaf: Leaf | None, gaps: Gaps) -> bool:
    """Whether a host is a Service that is there: a gap where it is not."""
    if host.service.host:
        told = f"{host.service.label} is no Service, whose annotations are what the mesh reads"
        gaps.error("mesh-inexpressible", told, leaf)
    elif host.facts is None:
        told = f"{host.service.label} is not there, and its annotations are all that can be written"
        gaps.error("service-unknown", told, leaf, "they follow once it is there")
    return not host.service.host and host.facts is not None


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
