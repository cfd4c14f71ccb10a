"""Recognises App Mesh from its controller and its objects: version, who is in the mesh, its nodes and gateways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from reconciler.adapters.appmesh import nodes
from reconciler.adapters.appmesh.accounts import ACCOUNT
from reconciler.adapters.appmesh.kinds import GROUP
from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, containers, labels, mappings, name, namespace, selector, template
from reconciler.model.facts import GatewayFacts, MeshFacts, PortFacts

TYPE = "appmesh"
#: by which a namespace asks for proxies (config/helm/appmesh-controller of the controller)
INJECTION = f"{GROUP}/sidecarInjectorWebhook"
_CONTROLLER = "appmesh-controller"
_VERSION = re.compile(r"v?(\d+\.\d+(\.\d+)?)")


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """One value where the controller, an account, or any object of the mesh is there, none elsewhere. Meshes are told
    apart by the namespaces that they select, and no namespace is in two; in an account each is a namespace itself."""
    given = list(objects)
    by_kind: dict[str, list[Object]] = {}
    for found in given:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    own = any(str(item.get("apiVersion", "")).startswith(f"{GROUP}/") for item in given)
    planes = sorted(filter(_is_controller, by_kind.get("Deployment", ())), key=lambda one: (namespace(one), name(one)))
    if not planes and not own:
        return ()
    plane: Object = planes[0] if planes else {}
    meshes = sorted(_of(by_kind, "Mesh"), key=name)
    return (
        MeshFacts(
            type=TYPE,
            namespace=namespace(plane),
            version=_version(plane),
            gateways=tuple(sorted(map(_gateway, _of(by_kind, "VirtualGateway")), key=lambda g: (g.namespace, g.name))),
            enrolled_namespaces=tuple(map(name, meshes))
            if _of(by_kind, ACCOUNT)
            else _enrolled(by_kind.get("Namespace", ()), meshes),
            settings={**_settings(meshes), **nodes.settings(_of(by_kind, "VirtualNode"))},
        ),
    )


def _of(by_kind: Mapping[str, Sequence[Object]], kind: str) -> list[Object]:
    return [item for item in by_kind.get(kind, ()) if str(item.get("apiVersion", "")).startswith(f"{GROUP}/")]


def _is_controller(item: Object) -> bool:
    return _CONTROLLER in (name(item), labels(item).get("app.kubernetes.io/name"))


def _version(plane: Object) -> str:
    """From the tag of the image (``amazon/appmesh-controller:v1.13.3-linux_amd64``), else from a label."""
    images = [str(item.get("image", "")).partition("@")[0].rpartition(":")[2] for item in containers(template(plane))]
    said = str(labels(plane).get("app.kubernetes.io/version", ""))
    return next((found[1] for text in (*images, said) if (found := _VERSION.match(text))), "")


def _enrolled(spaces: Iterable[Object], meshes: Iterable[Object]) -> tuple[str, ...]:
    """Namespaces that a mesh selects and that ask for proxies. A mesh without a selector selects none."""
    wanted = [section(section(mesh, "spec"), "namespaceSelector") for mesh in meshes]
    present = ["namespaceSelector" in section(mesh, "spec") for mesh in meshes]
    chosen = [selector(said) for said, there in zip(wanted, present, strict=True) if there]
    return tuple(
        sorted(
            name(space)
            for space in spaces
            if labels(space).get(INJECTION) == "enabled"
            and any(one.matches({key: str(value) for key, value in labels(space).items()}) for one in chosen)
        )
    )


def _settings(meshes: Iterable[Object]) -> dict[str, str]:
    said = {name(mesh): section(section(mesh, "spec"), "egressFilter").get("type", "DROP_ALL") for mesh in meshes}
    return {f"mesh.{mesh}.egress": str(egress) for mesh, egress in said.items()}


def _gateway(item: Object) -> GatewayFacts:
    spec = section(item, "spec")
    listeners = [section(one, "portMapping") for one in mappings(spec.get("listeners"))]
    return GatewayFacts(
        name=name(item),
        namespace=namespace(item),
        role="Ingress",
        labels={str(key): str(value) for key, value in section(section(spec, "podSelector"), "matchLabels").items()},
        ports=tuple(
            PortFacts(one["port"], app_protocol=str(one.get("protocol", "")))
            for one in listeners
            if type(one.get("port")) is int
        ),
        resource=name(item),
    )
