"""Recognises Gateway API from its definitions: version and channel, the classes, and the Gateways with addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, annotations_of, mappings, name, namespace
from reconciler.adapters.standard.kinds import GROUP
from reconciler.model.facts import GatewayFacts, MeshFacts, PortFacts

TYPE = "gateway-api"
_VERSION = f"{GROUP}/bundle-version"
_CHANNEL = f"{GROUP}/channel"
#: the definition that tells version and channel: others of another channel are often installed beside it
_DECISIVE = f"httproutes.{GROUP}"
#: a listener for what is already in a mesh
_IN_MESH = "HBONE"


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """One value where the definitions are there, none elsewhere; of definitions only the metadata is looked at."""
    by_kind: dict[str, list[Object]] = {}
    for found in objects:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    bundle = _bundle(by_kind.get("CustomResourceDefinition", []))
    if bundle is None:
        return ()
    classes = {
        name(item): str(section(item, "spec").get("controllerName", "")) for item in by_kind.get("GatewayClass", [])
    }
    gateways = [_gateway(item) for item in by_kind.get("Gateway", []) if not _is_in_mesh(item)]
    return (
        MeshFacts(
            type=TYPE,
            namespace="",
            version=str(bundle.get(_VERSION, "")).removeprefix("v"),
            gateways=tuple(sorted(gateways, key=lambda facts: (facts.namespace, facts.name))),
            channel=str(bundle.get(_CHANNEL, "")),
            classes=dict(sorted(classes.items())),
        ),
    )


def _bundle(definitions: Iterable[Object]) -> Mapping[str, object] | None:
    """What the definitions say of their release; None where there are none."""
    own = {name(item): annotations_of(item) for item in definitions if name(item).endswith(f".{GROUP}")}
    return own.get(_DECISIVE, own[min(own)]) if own else None


def _is_in_mesh(gateway: Object) -> bool:
    """Whether it stands inside a mesh only, before services, and nobody comes in by it."""
    listeners = mappings(section(gateway, "spec").get("listeners"))
    return bool(listeners) and all(item.get("protocol") == _IN_MESH for item in listeners)


def _gateway(gateway: Object) -> GatewayFacts:
    listeners = mappings(section(gateway, "spec").get("listeners"))
    given = mappings(section(gateway, "status").get("addresses"))
    return GatewayFacts(
        name=name(gateway),
        namespace=namespace(gateway),
        role="Ingress",
        addresses=tuple(sorted({str(item["value"]) for item in given if item.get("value")})),
        ports=tuple(_port(item) for item in listeners if isinstance(item.get("port"), int)),
        resource=name(gateway),
        class_name=str(section(gateway, "spec").get("gatewayClassName", "")),
    )


def _port(listener: Object) -> PortFacts:
    return PortFacts(listener["port"], str(listener.get("name", "")), app_protocol=str(listener.get("protocol", "")))
