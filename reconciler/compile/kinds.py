"""What is known about the kind of a raw object: from the adapter, the cluster, its own CRD beside it, or Kubernetes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.adapters.base import Adapter
from reconciler.model.facts import ClusterFacts, CrdFacts
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

CRD = KindId("apiextensions.k8s.io", "CustomResourceDefinition")
EXTRA_WAVE = 50

# group, version, wave, cluster-wide, then kinds with their plurals where these are not the usual ones
_BUILT_IN: tuple[tuple[str, str, int, bool, str], ...] = (
    ("", "v1", 0, True, "Namespace"),
    ("apiextensions.k8s.io", "v1", 0, True, "CustomResourceDefinition"),
    ("scheduling.k8s.io", "v1", 5, True, "PriorityClass"),
    ("storage.k8s.io", "v1", 5, True, "StorageClass"),
    ("", "v1", 5, True, "PersistentVolume"),
    ("", "v1", 10, False, "ConfigMap Secret ServiceAccount ResourceQuota LimitRange PersistentVolumeClaim"),
    ("rbac.authorization.k8s.io", "v1", 10, True, "ClusterRole ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "v1", 10, False, "Role RoleBinding"),
    ("", "v1", 20, False, "Service Endpoints"),
    ("discovery.k8s.io", "v1", 20, False, "EndpointSlice"),
    ("networking.k8s.io", "v1", 20, False, "NetworkPolicy"),
    ("", "v1", 30, False, "Pod"),
    ("apps", "v1", 30, False, "Deployment StatefulSet DaemonSet"),
    ("batch", "v1", 30, False, "Job CronJob"),
    ("policy", "v1", 30, False, "PodDisruptionBudget"),
    ("autoscaling", "v2", 40, False, "HorizontalPodAutoscaler"),
    ("networking.k8s.io", "v1", 40, False, "Ingress"),
    ("networking.k8s.io", "v1", 40, True, "IngressClass"),
    ("admissionregistration.k8s.io", "v1", 60, True, "MutatingWebhookConfiguration ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "v1", 60, True, "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"),
)
_PLURALS = {"Endpoints": "endpoints", "NetworkPolicy": "networkpolicies"}


def plural(kind: str) -> str:
    """The plural that Kubernetes would take: lower case, with s, es or ies."""
    name = kind.lower()
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2:-1] not in "aeiou" else f"{name}s"


BUILT_IN: Mapping[KindId, NativeKind] = {
    KindId(group, kind): NativeKind(
        KindId(group, kind), (version,), _PLURALS.get(kind, plural(kind)), not wide, wave, exclusive=False
    )
    for group, version, wave, wide, kinds in _BUILT_IN
    for kind in kinds.split()
}


def kind_of(
    body: Mapping[str, Any], adapter: Adapter, cluster: ClusterFacts, crds: Iterable[CrdFacts]
) -> NativeKind | None:
    """The kind of a raw object, or None when the cluster says what it serves and this is not among it."""
    group, _, version = str(body["apiVersion"]).rpartition("/")
    kind = KindId(group, str(body["kind"]))
    known = adapter.kind(kind)
    if known is not None:
        return replace(known, lent=False) if known.lent else known
    served = (cluster.crds or {}).get(kind) or next((crd for crd in crds if crd.kind == kind), None)
    built_in = BUILT_IN.get(kind)
    wave = built_in.wave if built_in else EXTRA_WAVE
    if served is not None:
        return NativeKind(kind, served.versions, served.plural, served.namespaced, wave, exclusive=False)
    if built_in is not None:
        return built_in if version in built_in.versions else replace(built_in, versions=(version,))
    if cluster.crds is not None:
        return None
    namespaced = bool((body.get("metadata") or {}).get("namespace"))
    return NativeKind(kind, (version,), plural(kind.kind), namespaced, wave, exclusive=False)


def serves(kind: NativeKind, version: str, cluster: ClusterFacts) -> bool:
    """Whether a version of a kind can be written, as far as is known."""
    served = (cluster.crds or {}).get(kind.kind)
    return served is None or version in served.versions


def declared_kinds(bodies: Iterable[Mapping[str, Any]]) -> list[CrdFacts]:
    """The kinds that CustomResourceDefinitions among raw objects bring with them."""
    found = []
    for body in bodies:
        spec = body.get("spec") or {}
        if body.get("kind") == CRD.kind and str(body.get("apiVersion", "")).startswith(f"{CRD.group}/"):
            names = spec.get("names") or {}
            versions = tuple(str(one.get("name")) for one in spec.get("versions") or () if one.get("served", True))
            kind = KindId(str(spec.get("group", "")), str(names.get("kind", "")))
            name = str(names.get("plural") or plural(kind.kind))
            found.append(CrdFacts(kind, name, spec.get("scope") != "Cluster", versions))
    return found
