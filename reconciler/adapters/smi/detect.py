"""Recognises the products that speak SMI from their controllers and what configures them.

Names, labels and arguments are those of their charts: osm-controller (openservicemesh/osm, charts/osm),
traefik-mesh-controller (traefik/mesh, helm), nginx-mesh-controller (nginxinc/nginx-service-mesh).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, containers, labels, name, namespace, template, texts
from reconciler.adapters.smi.products import NGINX, OSM, PRODUCT, TRAEFIK
from reconciler.model.facts import MeshFacts

TYPE = "smi"
#: whether what no policy allows is let through
ACCESS, OPEN, CLOSED = "access", "open", "closed"
_MONITORED = "openservicemesh.io/monitored-by"
_MODES = {"strict": "Strict", "permissive": "Permissive", "off": "Disabled"}
Kinds = Mapping[str, list[Object]]


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """The control planes among objects of DETECT_KINDS, sorted by namespace."""
    by_kind: dict[str, list[Object]] = {}
    for found in objects:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    planes = [(item, read) for item in by_kind.get("Deployment", []) if (read := _READERS.get(_called(item)))]
    meshes = [read(item, by_kind) for item, read in planes]
    return tuple(sorted(meshes, key=lambda mesh: (mesh.namespace, mesh.settings[PRODUCT])))


def _called(item: Object) -> str:
    return name(item)


def _osm(plane: Object, by_kind: Kinds) -> MeshFacts:
    config = _config(plane, by_kind, "config.openservicemesh.io/")
    open_ = section(section(config, "spec"), "traffic").get("enablePermissiveTrafficPolicyMode")
    called = _argument(plane, "--mesh-name")
    spaces = [item for item in by_kind.get("Namespace", []) if labels(item).get(_MONITORED) in (called or "osm",)]
    return MeshFacts(
        type=TYPE,
        namespace=namespace(plane),
        version=_version(plane),
        trust_domain=_argument(plane, "--trust-domain") or "cluster.local",
        mtls="Strict",
        enrolled_namespaces=tuple(sorted({name(item) for item in spaces})),
        settings=_settings(OSM, None if open_ is None else bool(open_)),
    )


def _traefik(plane: Object, _by_kind: Kinds) -> MeshFacts:
    closed = any(one in ("--acl", "--acl=true") for one in _arguments(plane))
    return MeshFacts(
        TYPE, namespace(plane), version=_version(plane), mtls="Disabled", settings=_settings(TRAEFIK, not closed)
    )


def _nginx(plane: Object, by_kind: Kinds) -> MeshFacts:
    spec = section(_config(plane, by_kind, "nsm.nginx.com/"), "spec")
    said = spec.get("accessControlMode")
    return MeshFacts(
        type=TYPE,
        namespace=namespace(plane),
        version=_version(plane),
        mtls=_MODES.get(str(section(spec, "mtls").get("mode", "")), ""),
        settings=_settings(NGINX, None if said is None else said == "allow"),
    )


def _settings(product: str, is_open: bool | None) -> Mapping[str, str]:
    access = {} if is_open is None else {ACCESS: OPEN if is_open else CLOSED}
    return {**access, PRODUCT: product}


def _config(plane: Object, by_kind: Kinds, group: str) -> Object:
    """The first configuration beside the control plane."""
    found = [item for item in by_kind.get("MeshConfig", []) if str(item.get("apiVersion", "")).startswith(group)]
    beside = sorted((item for item in found if namespace(item) == namespace(plane)), key=name)
    return beside[0] if beside else {}


def _arguments(plane: Object) -> list[str]:
    return [text for one in containers(template(plane)) for key in ("command", "args") for text in texts(one.get(key))]


def _argument(plane: Object, wanted: str) -> str:
    """The value of an argument, behind it or after it."""
    given = _arguments(plane)
    for at, text in enumerate(given):
        if text.startswith(f"{wanted}="):
            return text.partition("=")[2]
        if text == wanted and at + 1 < len(given):
            return given[at + 1]
    return ""


def _version(plane: Object) -> str:
    """The tag of its image without the digest."""
    images = [str(one.get("image", "")) for one in containers(template(plane))]
    tags = [image.partition("@")[0].rpartition("/")[2].partition(":")[2].removeprefix("v") for image in images]
    return next((tag for tag in tags if tag[:1].isdigit()), "")


_READERS: Mapping[str, Callable[[Object, Kinds], MeshFacts]] = {
    "osm-controller": _osm,
    "traefik-mesh-controller": _traefik,
    "nginx-mesh-controller": _nginx,
}
