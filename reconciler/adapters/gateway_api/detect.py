"""Recognises Gateway API from its definitions: version and channel, the classes, and the Gateways with addresses."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.leaves import section
from reconciler.adapters.raw import Object, mappings
from reconciler.adapters.standard.seen import classes, gateway, release
from reconciler.model.facts import MeshFacts

TYPE = "gateway-api"
#: a listener for what is already in a mesh
_IN_MESH = "HBONE"


def detect(objects: Iterable[Object]) -> tuple[MeshFacts, ...]:
    """One value where the definitions are there, none elsewhere; of definitions only the metadata is looked at."""
    by_kind: dict[str, list[Object]] = {}
    for found in objects:
        by_kind.setdefault(str(found.get("kind", "")), []).append(found)
    installed = release(by_kind.get("CustomResourceDefinition", []))
    if installed is None:
        return ()
    gateways = [gateway(item) for item in by_kind.get("Gateway", []) if not _is_in_mesh(item)]
    return (
        MeshFacts(
            type=TYPE,
            namespace="",
            version=installed[0],
            gateways=tuple(sorted(gateways, key=lambda facts: (facts.namespace, facts.name))),
            channel=installed[1],
            classes=classes(by_kind.get("GatewayClass", [])),
        ),
    )


def _is_in_mesh(found: Object) -> bool:
    """Whether it stands inside a mesh only, before services, and nobody comes in by it."""
    listeners = mappings(section(found, "spec").get("listeners"))
    return bool(listeners) and all(item.get("protocol") == _IN_MESH for item in listeners)
