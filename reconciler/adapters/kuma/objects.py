"""Envelopes of this mesh's objects, and how they refer to proxies and to services.

What role a policy has (for all callers of a service of its namespace, for the callers in its namespace, for the
workloads of its namespace, or for all) the control plane reads off its namespace and ``to``
(pkg/core/resources/labels, ComputePolicyRole, 2.9 to 2.14); it is never written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters import envelopes
from reconciler.adapters.kuma.kinds import TLS
from reconciler.adapters.served import has_field
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.refs import ServiceRef

Native = dict[str, Any]
DEFAULT_MESH = "default"
MESH_LABEL = "kuma.io/mesh"
#: wanted of what is written on a zone that follows a global control plane; else the webhook adds it
ORIGIN_LABEL = "kuma.io/origin"
#: ``shadow``: the control plane tells what a policy would do, and does not do it (pkg/core/resources/model)
EFFECT_LABEL = "kuma.io/effect"
NAMESPACE_LABEL = "k8s.kuma.io/namespace"
#: of the control plane: what lies there is for all proxies
SYSTEM = "kuma-system"
WHOLE: Mapping[str, Any] = {"kind": "Mesh"}


def mesh_name(intent: MeshIntent) -> str:
    """Of the Mesh object that a control plane of several means; it is the revision of the facts."""
    return intent.mesh.revision or DEFAULT_MESH


def system_namespace(intent: MeshIntent) -> str:
    return intent.mesh.namespace or SYSTEM


def build(
    intent: MeshIntent, kind: NativeKind, namespace: str, name: str, spec: Mapping[str, Any], origins: Iterable[Origin]
) -> NativeObject:
    """An object in its mesh."""
    made = envelopes.build(intent, kind, namespace, name, spec, origins)
    labels = {MESH_LABEL: mesh_name(intent)}
    labels |= {ORIGIN_LABEL: "zone"} if intent.mesh.settings.get("mode") == "zone" else {}
    body = {**made.body, "metadata": made.body["metadata"] | {"labels": labels}}
    return NativeObject(made.key, made.kind, body, made.origins)


def is_modern(intent: MeshIntent) -> bool:
    """Whether the cluster's definitions are of 2.10 or later, when proxies began to be named by their labels."""
    return has_field(TLS, "spec.rules", intent.cluster.crds)


def proxies(labels: Mapping[str, str], intent: MeshIntent, section: str = "") -> Native:
    """The proxies of workloads with these labels, of all of them where there are none; ``section``: one inbound."""
    if not labels and not section:
        return dict(WHOLE)
    chosen = dict(sorted(labels.items()))
    if not is_modern(intent):
        return {"kind": "MeshSubset", "tags": chosen}
    return (
        {"kind": "Dataplane"} | ({"labels": chosen} if chosen else {}) | ({"sectionName": section} if section else {})
    )


def arriving(default: Mapping[str, Any], kind: NativeKind, intent: MeshIntent) -> Native:
    """The part of a policy that says what is done with all that arrives: ``from`` where its kind knows no other."""
    if has_field(kind, "spec.rules", intent.cluster.crds):
        return {"rules": [{"default": dict(default)}]}
    return {"from": [{"targetRef": dict(WHOLE), "default": dict(default)}]}


def to_service(service: ServiceRef, namespace: str, section: str = "") -> Native:
    """A service as a policy in a namespace refers to it."""
    native: Native = {"kind": "MeshService", "name": service.name}
    native |= {"namespace": service.namespace} if service.namespace != namespace else {}
    return native | ({"sectionName": section} if section else {})
