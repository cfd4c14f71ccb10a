"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.adapters.importing import (
    Body,
    Draft,
    Imported,
    Reader,
    Scene,
    Unsayable,
    contested,
    proposed,
    reader_of,
)
from reconciler.adapters.istio.importing.authorization_policies import authorization_policy
from reconciler.adapters.istio.importing.destination_rules import destination_rule
from reconciler.adapters.istio.importing.peer_authentications import peer_authentication
from reconciler.adapters.istio.importing.telemetries import telemetry
from reconciler.adapters.istio.importing.virtual_services import virtual_service
from reconciler.adapters.istio.importing.wasm_plugins import wasm_plugin
from reconciler.adapters.istio.live import claims
from reconciler.adapters.istio.meaning.names import read_by_mesh

_READERS: Mapping[str, Reader] = {
    "VirtualService": virtual_service,
    "DestinationRule": destination_rule,
    "AuthorizationPolicy": authorization_policy,
    "PeerAuthentication": peer_authentication,
    "Telemetry": telemetry,
    "WasmPlugin": wasm_plugin,
}


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    double = contested(bodies, claims)

    def read(body: Body, scene: Scene) -> Draft | Iterable[Draft]:
        reader = reader_of(_READERS, body)
        if fields := read_by_mesh(body):
            raise Unsayable(f"no neutral field covers what the mesh reads in {', '.join(fields)}")
        if found := double(body):
            raise Unsayable(f"another object says something of {found} too, and the mesh uses only one of them")
        return reader(body, scene)

    return proposed(bodies, read, scene)
