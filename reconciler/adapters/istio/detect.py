"""Recognises control planes in a cluster from its objects: one for each istiod, told apart by revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.adapters.istio.enrolment import enrolment
from reconciler.adapters.istio.gateways import gateways, revision_label
from reconciler.adapters.istio.kinds import CONTROL_PLANE
from reconciler.adapters.istio.meshconfig import mesh_config, providers, settings
from reconciler.adapters.istio.revisions import REVISION, Revisions, revision_of, revisions
from reconciler.adapters.istio.versions import components, proxies, version_of
from reconciler.adapters.istio.waypoints import waypoint_refs, waypoints
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, labels, name, namespace, texts
from reconciler.model.facts import MeshFacts

TYPE = "istio"
DEFAULT_TRUST_DOMAIN = "cluster.local"
_MODES = {"STRICT": "Strict", "PERMISSIVE": "Permissive", "DISABLE": "Disabled"}
#: what the mesh does where nobody said anything
DEFAULT_MODE = "Permissive"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
Kinds = Mapping[str, list[Object]]


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """The control planes among objects of DETECT_KINDS and pods of DETECT_PODS, sorted by namespace and revision."""
    by_kind: dict[str, list[Object]] = {}
    for found in objects:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    planes = [item for item in by_kind.get("Deployment", []) if labels(item).get("app") == CONTROL_PLANE]
    known = revisions(planes, by_kind.get("MutatingWebhookConfiguration", []))
    refs = waypoint_refs(by_kind.get("Namespace", []), by_kind.get("Service", [])) if planes else {}
    meshes = [_mesh(plane, known, refs, by_kind) for plane in planes]
    return tuple(sorted(meshes, key=lambda mesh: (mesh.namespace, mesh.revision, mesh.version)))


def _mesh(plane: Object, known: Revisions, refs: Mapping[str, str], by_kind: Kinds) -> MeshFacts:
    revision = revision_of(plane)
    config = mesh_config(plane, revision, by_kind.get("ConfigMap", []))
    root = str(config.get("rootNamespace") or namespace(plane))
    workloads = [item for kind in _WORKLOADS for item in by_kind.get(kind, [])]
    enrolled = enrolment(by_kind.get("Namespace", []), workloads, config, revision, known)
    own_gateways = [item for item in by_kind.get("Deployment", []) if known.is_meant(revision_label(item), revision)]
    return MeshFacts(
        type=TYPE,
        namespace=namespace(plane),
        version=version_of(plane),
        revision=revision,
        trust_domain=str(config.get("trustDomain") or DEFAULT_TRUST_DOMAIN),
        mtls=_mode(by_kind.get("PeerAuthentication", []), root),
        gateways=gateways(own_gateways, by_kind.get("Service", [])),
        enrolled_namespaces=enrolled.namespaces,
        root_namespace="" if root == namespace(plane) else root,
        tags=known.tags_of(revision),
        trust_domain_aliases=texts(config.get("trustDomainAliases")),
        profiles=enrolled.profiles,
        workload_profiles=enrolled.exceptions,
        waypoints=waypoints(by_kind, refs),
        waypoint_refs=refs,
        proxies=proxies(item for item in by_kind.get("Pod", []) if known.is_meant(_pod_revision(item), revision)),
        providers=providers(config),
        settings=settings(plane, config),
        components=components(by_kind.get("DaemonSet", [])),
    )


def _pod_revision(pod: Object) -> str:
    return str(labels(pod).get(REVISION, ""))


def _mode(policies: list[Object], root: str) -> str:
    """The mesh-wide mode: of several without a selector, the oldest counts."""
    wide = [item for item in policies if namespace(item) == root and not section(section(item, "spec"), "selector")]
    wide.sort(key=lambda item: (str(section(item, "metadata").get("creationTimestamp", "")), name(item)))
    said = [str(section(section(item, "spec"), "mtls").get("mode", "")) for item in wide[:1]]
    return _MODES.get(said[0], DEFAULT_MODE) if said else DEFAULT_MODE
