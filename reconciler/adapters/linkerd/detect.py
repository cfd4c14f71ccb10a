"""Recognises control planes: a ConfigMap ``linkerd-config`` with the values of the installation, beside the Deployment
that answers proxies. Who is in the mesh is an annotation, of a namespace or of a pod template.

Source: linkerd2, charts/linkerd-control-plane/templates/config.yaml; pkg/k8s/labels.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from reconciler.adapters.leaves import section
from reconciler.adapters.linkerd.versions import version_of
from reconciler.adapters.raw import Object, annotations_of, labels, name, namespace, template
from reconciler.model.facts import OUTSIDE, MeshFacts

TYPE = "linkerd"
#: of an annotation that says who is in the mesh
INJECT = "linkerd.io/inject"
DEFAULT_POLICY = "config.linkerd.io/default-inbound-policy"
POLICY_SETTING = "defaultInboundPolicy"
PROBE_SETTING = "probeNetworks"
EGRESS_SETTING = "egressNamespace"
_COMPONENT = "linkerd.io/control-plane-component"
_CONFIG = "linkerd-config"
_IN = ("enabled", "ingress")
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_STRICT = ("all-authenticated", "cluster-authenticated", "deny")
Kinds = Mapping[str, list[Object]]


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """The control planes among objects of DETECT_KINDS, sorted by namespace."""
    by_kind: dict[str, list[Object]] = {}
    for found in objects:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    planes = {namespace(item) for item in by_kind.get("Deployment", []) if _component(item) == "destination"}
    return tuple(_mesh(plane, _values(plane, by_kind), by_kind) for plane in sorted(planes))


def _component(item: Object) -> str:
    """Of templates that are not applied yet the Deployment itself may not say it."""
    return str(labels(item).get(_COMPONENT) or labels(template(item)).get(_COMPONENT) or "")


def _values(plane: str, by_kind: Kinds) -> Mapping[str, Any]:
    """What the mesh was installed with; nothing where it cannot be read."""
    for item in by_kind.get("ConfigMap", []):
        if (name(item), namespace(item)) == (_CONFIG, plane):
            try:
                values = yaml.safe_load(str(section(item, "data").get("values", "")))
            except yaml.YAMLError:
                return {}
            return values if isinstance(values, Mapping) else {}
    return {}


def _mesh(plane: str, values: Mapping[str, Any], by_kind: Kinds) -> MeshFacts:
    namespaces = by_kind.get("Namespace", [])
    workloads = [item for kind in _WORKLOADS for item in by_kind.get(kind, [])]
    said = str(values.get("linkerdVersion") or _created_by(plane, by_kind))
    policy = str(section(values, "proxy").get("defaultInboundPolicy") or "all-unauthenticated")
    return MeshFacts(
        type=TYPE,
        namespace=plane,
        version=version_of(said),
        trust_domain=str(values.get("identityTrustDomain") or values.get("clusterDomain") or "cluster.local"),
        mtls="Strict" if policy in _STRICT else "Permissive",
        enrolled_namespaces=tuple(sorted(name(item) for item in namespaces if _says(item) in _IN)),
        workload_profiles=dict(sorted(_exceptions(workloads))),
        settings=_settings(said, policy, values, (*namespaces, *workloads)),
    )


def _created_by(plane: str, by_kind: Kinds) -> str:
    """``linkerd/helm edge-24.11.8``"""
    own = (item for item in by_kind.get("Deployment", []) if namespace(item) == plane)
    return next((str(text) for item in own if (text := annotations_of(item).get("linkerd.io/created-by"))), "")


def _settings(said: str, policy: str, values: Mapping[str, Any], having: Iterable[Object]) -> Mapping[str, str]:
    """What is usual for all, and the default policies of namespaces and workloads that have their own."""
    probes = section(values, "policyController").get("probeNetworks") or []
    found = {"linkerdVersion": said, POLICY_SETTING: policy}
    found |= {PROBE_SETTING: ",".join(str(one) for one in probes)} if probes else {}
    egress = section(values, "egress").get("globalEgressNetworkNamespace")
    found |= {EGRESS_SETTING: str(egress)} if egress else {}
    for item in having:
        holder, place = (item, name(item)) if item.get("kind") == "Namespace" else (template(item), _place(item))
        if own := annotations_of(holder).get(DEFAULT_POLICY):
            found[f"{POLICY_SETTING}/{place}"] = str(own)
    return {key: value for key, value in sorted(found.items()) if value}


def _exceptions(workloads: Iterable[Object]) -> Iterable[tuple[str, str]]:
    """Workloads whose pods say themselves whether they are in the mesh."""
    for item in workloads:
        said = str(annotations_of(template(item)).get(INJECT, ""))
        if said:
            yield _place(item), "" if said in _IN else OUTSIDE


def _place(workload: Object) -> str:
    return f"{namespace(workload)}/{workload.get('kind')}/{name(workload)}"


def _says(item: Object) -> str:
    return str(annotations_of(item).get(INJECT, ""))
