"""Names and envelopes of the objects that we write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.served import served_version
from reconciler.model.canonical import digest
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.refs import ObjectKey, ServiceRef

#: longest name of an object in Kubernetes
MAX_NAME = 253


def fqdn(service: ServiceRef, intent: MeshIntent) -> str:
    """Always the full name: a short one would be read in the namespace of the rule, not of the caller."""
    return service.host or f"{service.name}.{service.namespace}.svc.{intent.cluster_domain}"


def root_namespace(intent: MeshIntent) -> str:
    """Where objects hold for the whole mesh."""
    return intent.mesh.root_namespace or intent.mesh.namespace


def object_name(readable: str, identity: Iterable[str], *, ambiguous: bool = False) -> str:
    """A valid object name: the readable one, with a hash of ``identity`` where that could not tell two apart."""
    clean = re.sub(r"[^a-z0-9.-]+", "-", readable.lower())
    clean = re.sub(r"\.\.+", ".", re.sub(r"-*\.-*", ".", clean)).strip("-.")
    if clean == readable and len(clean) <= MAX_NAME and not ambiguous:
        return clean
    mark = digest(list(identity))[:10]
    return f"{clean[: MAX_NAME - 11].rstrip('-.')}-{mark}"


def build(
    intent: MeshIntent, kind: NativeKind, namespace: str, name: str, spec: Mapping[str, Any], origins: Iterable[Origin]
) -> NativeObject:
    version = served_version(kind, intent.cluster.crds)
    body = {
        "apiVersion": kind.api_version(version),
        "kind": kind.kind.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    key = ObjectKey(kind.kind.group, kind.kind.kind, namespace, name)
    return NativeObject(key, kind, body, tuple(sorted(set(origins))))
