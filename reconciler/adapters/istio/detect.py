"""Recognises control planes in a cluster from its objects: one for each istiod, told apart by revision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from reconciler.adapters.istio.gateways import gateway
from reconciler.adapters.leaves import section
from reconciler.model.facts import GatewayFacts, MeshFacts

TYPE = "istio"
REVISION = "istio.io/rev"
DEFAULT_TRUST_DOMAIN = "cluster.local"
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_MODES = {"STRICT": "Strict", "PERMISSIVE": "Permissive", "DISABLE": "Disabled"}
#: what the mesh does where nobody said anything
DEFAULT_MODE = "Permissive"
Object = Mapping[str, Any]


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """The control planes among objects of DETECT_KINDS, sorted by namespace and revision."""
    by_kind: dict[str, list[Object]] = {}
    for found in objects:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    planes = [item for item in by_kind.get("Deployment", []) if _labels(item).get("app") == "istiod"]
    revisions = {_revision(plane) for plane in planes}
    meshes = [_mesh(plane, revisions, by_kind) for plane in planes]
    return tuple(sorted(meshes, key=lambda mesh: (mesh.namespace, mesh.revision, mesh.version)))


def _mesh(plane: Object, revisions: set[str], by_kind: Mapping[str, list[Object]]) -> MeshFacts:
    namespace, revision = _namespace(plane), _revision(plane)
    config = _mesh_config(by_kind.get("ConfigMap", []), namespace, revision)
    root = str(config.get("rootNamespace") or namespace)
    return MeshFacts(
        type=TYPE,
        namespace=namespace,
        version=_version(plane),
        revision=revision,
        trust_domain=str(config.get("trustDomain") or DEFAULT_TRUST_DOMAIN),
        mtls=_mode(by_kind.get("PeerAuthentication", []), root),
        gateways=_gateways(by_kind.get("Deployment", []), revision, revisions),
        enrolled_namespaces=_enrolled(by_kind.get("Namespace", []), revision, revisions),
        root_namespace="" if root == namespace else root,
    )


def _labels(item: Object) -> Mapping[str, Any]:
    return section(section(item, "metadata"), "labels")


def _namespace(item: Object) -> str:
    return str(section(item, "metadata").get("namespace", ""))


def _name(item: Object) -> str:
    return str(section(item, "metadata").get("name", ""))


def _revision(plane: Object) -> str:
    """The unnamed revision is "", which istiod itself labels as default."""
    said = str(_labels(plane).get(REVISION, ""))
    return "" if said == "default" else said


def _version(plane: Object) -> str:
    """From the tag of istiod's image (``pilot:1.27.1-distroless``), else from a label."""
    containers = section(section(section(plane, "spec"), "template"), "spec").get("containers")
    images = [str(item.get("image", "")) for item in containers] if isinstance(containers, list) else []
    tags = [image.partition("@")[0].rpartition("/")[2].partition(":")[2] for image in images]
    labels = _labels(plane)
    said = [*tags, str(labels.get("app.kubernetes.io/version", "")), str(labels.get("operator.istio.io/version", ""))]
    return next((found[0] for text in said if (found := _VERSION.match(text))), "")


def _mesh_config(maps: list[Object], namespace: str, revision: str) -> Mapping[str, Any]:
    """``meshConfig`` of a revision. ValueError when its YAML is broken, since a wrong trust domain grants access."""
    name = f"istio-{revision}" if revision else "istio"
    for found in maps:
        if _namespace(found) == namespace and _name(found) == name:
            try:
                config = yaml.safe_load(str(section(found, "data").get("mesh", "")))
            except yaml.YAMLError as broken:
                raise ValueError(f"ConfigMap {namespace}/{name}: key mesh is not YAML: {broken}") from broken
            return config if isinstance(config, Mapping) else {}
    return {}


def _mode(policies: list[Object], root: str) -> str:
    """The mesh-wide mode: of several without a selector, the oldest counts."""
    wide = [item for item in policies if _namespace(item) == root and not section(section(item, "spec"), "selector")]
    wide.sort(key=lambda item: (str(section(item, "metadata").get("creationTimestamp", "")), _name(item)))
    said = [str(section(section(item, "spec"), "mtls").get("mode", "")) for item in wide[:1]]
    return _MODES.get(said[0], DEFAULT_MODE) if said else DEFAULT_MODE


def _belongs(said: str, revision: str, revisions: set[str]) -> bool:
    """A label may name a revision, or a tag that stands for one, which is not known here: then it may be any."""
    said = "" if said == "default" else said
    return said == revision or said not in revisions


def _gateways(deployments: list[Object], revision: str, revisions: set[str]) -> tuple[GatewayFacts, ...]:
    found = [
        facts
        for item in deployments
        if (facts := gateway(item)) is not None and _belongs(_pod_revision(item), revision, revisions)
    ]
    return tuple(sorted(found, key=lambda facts: (facts.namespace, facts.name)))


def _pod_revision(deployment: Object) -> str:
    labels = section(section(section(section(deployment, "spec"), "template"), "metadata"), "labels")
    return str(labels.get(REVISION, ""))


def _enrolled(namespaces: list[Object], revision: str, revisions: set[str]) -> tuple[str, ...]:
    """Namespaces whose pods get a proxy of this revision, or are taken in without one."""
    found = []
    for item in namespaces:
        labels = _labels(item)
        injected = labels.get("istio-injection")
        by_revision = REVISION in labels and injected is None and _belongs(str(labels[REVISION]), revision, revisions)
        by_default = injected == "enabled" and _belongs("", revision, revisions)
        if by_default or by_revision or labels.get("istio.io/dataplane-mode") == "ambient":
            found.append(_name(item))
    return tuple(sorted(found))
