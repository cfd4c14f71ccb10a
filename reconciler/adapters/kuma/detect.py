"""Recognises the control plane in a cluster, and the meshes that it runs: one for each Mesh object, told apart by its
name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.adapters.kuma.enrolment import Enrolment, enrolment
from reconciler.adapters.kuma.objects import DEFAULT_MESH, MESH_LABEL
from reconciler.adapters.kuma.permissions import wide_permissions
from reconciler.adapters.kuma.profiles import SETTING, TAGS
from reconciler.adapters.kuma.services import protocols
from reconciler.adapters.kuma.trust import USUAL_PATH, identity_of, mode_of, trust_domain
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, containers, labels, mappings, name, namespace, template
from reconciler.model.facts import MeshFacts

TYPE = "kuma"
_PLANES = ("kuma-control-plane", "kong-mesh-control-plane")
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
Kinds = Mapping[str, Sequence[Object]]


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """The meshes among objects of DETECT_KINDS, the default one first."""
    by_kind: dict[str, list[Object]] = {}
    for found in objects:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    planes = sorted(
        (item for item in by_kind.get("Deployment", []) if labels(item).get("app") in _PLANES),
        key=lambda item: (namespace(item), name(item)),
    )
    meshes = sorted(by_kind.get("Mesh", []), key=lambda item: (name(item) != DEFAULT_MESH, name(item)))
    return tuple(_mesh(plane, mesh, by_kind) for plane in planes[:1] for mesh in meshes or [{}])


def _mesh(plane: Object, mesh: Object, by_kind: Kinds) -> MeshFacts:
    own = name(mesh) or DEFAULT_MESH
    space, env = namespace(plane), _environment(plane)
    identity = identity_of(_in_mesh(by_kind.get("MeshIdentity", ()), own))
    workloads = [item for kind in _WORKLOADS for item in by_kind.get(kind, ())]
    enrolled: Enrolment = enrolment(by_kind.get("Namespace", ()), workloads, own)
    settings = {
        "mode": env.get("KUMA_MODE", ""),
        "zone": env.get("KUMA_MULTIZONE_ZONE_NAME", ""),
        "meshServices": _services_mode(mesh),
        SETTING: "" if not mesh else ("spiffe" if identity is not None else TAGS),
        "identity.path": _path(identity),
        "permissions.wide": wide_permissions(_in_mesh(by_kind.get("MeshTrafficPermission", ()), own), space),
        **protocols(by_kind.get("Service", ())),
    }
    return MeshFacts(
        type=TYPE,
        namespace=space,
        version=_version(plane),
        revision=own,
        trust_domain=trust_domain(identity, own, env.get("KUMA_MULTIZONE_ZONE_NAME", "")) if mesh else "",
        mtls=mode_of(mesh, identity, _in_mesh(by_kind.get("MeshTLS", ()), own), space) if mesh else "",
        enrolled_namespaces=enrolled.namespaces,
        workload_profiles=enrolled.exceptions,
        settings={key: value for key, value in sorted(settings.items()) if value},
    )


def _in_mesh(items: Iterable[Object], mesh: str) -> list[Object]:
    """Objects of one mesh; those without a label are of the default one."""
    return [item for item in items if labels(item).get(MESH_LABEL, DEFAULT_MESH) == mesh]


def _environment(plane: Object) -> dict[str, str]:
    return {
        str(item.get("name", "")): str(item.get("value", ""))
        for container in containers(template(plane))
        for item in mappings(container.get("env"))
    }


def _version(plane: Object) -> str:
    """From the tag of the image (``kuma-cp:2.14.3``), else from a label."""
    images = [str(item.get("image", "")).partition("@")[0].rpartition(":")[2] for item in containers(template(plane))]
    said = str(labels(plane).get("app.kubernetes.io/version", ""))
    return next((found[0] for text in (*images, said) if (found := _VERSION.match(text.removeprefix("v")))), "")


def _services_mode(mesh: Object) -> str:
    """Whether services are objects of the mesh; not where nobody says so."""
    if not mesh:
        return ""
    said: Any = section(section(mesh, "spec"), "meshServices").get("mode")
    return str(said or "Disabled")


def _path(identity: Object | None) -> str:
    said = section(section(identity or {}, "spec"), "spiffeID").get("path")
    return "" if said in (None, USUAL_PATH) else str(said)
