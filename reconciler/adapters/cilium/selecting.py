"""The workloads that a policy is about: by labels that the mesh has in the identities of pods."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.adapters.cilium.detect import SYSTEM
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent, MtlsIntent, Origin
from reconciler.model.refs import ServiceRef

#: labels that are no part of an identity, as the agents are installed: a policy that asks for one selects nothing
#: (Documentation/operations/performance/scalability/identity-relevant-labels.rst)
_LEFT_OUT = re.compile(
    r"(io\.kubernetes|kubernetes\.io|.*beta\.kubernetes\.io|k8s\.io|pod-template-(generation|hash)"
    r"|controller-revision-hash|annotation|etcd_node|statefulset\.kubernetes\.io/pod-name"
    r"|apps\.kubernetes\.io/pod-index|batch\.kubernetes\.io/(job-completion-index|controller-uid))"
)


def selector(service: ServiceRef, labels: Mapping[str, str], gaps: Gaps) -> dict[str, dict[str, str]]:
    """The ``endpointSelector`` of these labels."""
    if not labels:
        gaps.error("mesh-inexpressible", f"no workloads are known behind {service}, so nothing can be selected")
    for key in sorted(labels):
        if _LEFT_OUT.match(key):
            told = f"{service} selects pods by {key}, which is no part of their identities: it would select none"
            gaps.error("mesh-inexpressible", told, hint="select them by a label of their own")
    return {"matchLabels": dict(sorted(labels.items()))}


def apart(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether no pod can have the labels of both."""
    return any(other.get(key, value) != value for key, value in one.items())


def strict(service: ServiceRef, labels: Mapping[str, str], intent: MeshIntent) -> tuple[Origin, ...]:
    """Who asks that callers of these workloads prove who they are."""
    near = intent.mtls_by_namespace.get(service.namespace, ())
    return tuple(origin for mtls in near if _is_strict(mtls, labels) for origin in mtls.origins)


def _is_strict(mtls: MtlsIntent, labels: Mapping[str, str]) -> bool:
    return mtls.mode == "Strict" and not apart(mtls.selector, labels)


def open_namespaces(intent: MeshIntent) -> list[str]:
    """Those that what holds for the mesh is written in: all but the cluster's own and that of the agents; where these
    were not found, those that have services."""
    known = set(intent.mesh.enrolled_namespaces) | {one.ref.namespace for one in intent.cluster.services}
    return sorted(known - {*SYSTEM, intent.mesh.namespace})
