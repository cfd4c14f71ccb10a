"""All objects of a set: which become neutral documents, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from reconciler.adapters.importing import Body, Draft, Imported, Scene, Unsayable, claimed, drafted, key_of
from reconciler.adapters.istio.importing.authorization_policies import authorization_policy
from reconciler.adapters.istio.importing.destination_rules import destination_rule
from reconciler.adapters.istio.importing.peer_authentications import peer_authentication
from reconciler.adapters.istio.importing.telemetries import telemetry
from reconciler.adapters.istio.importing.virtual_services import virtual_service
from reconciler.adapters.istio.importing.wasm_plugins import wasm_plugin
from reconciler.adapters.istio.live import claims
from reconciler.adapters.istio.meaning.names import read_by_mesh
from reconciler.model.refs import ObjectKey

_READERS: Mapping[str, Callable[[Body, Scene], Draft]] = {
    "VirtualService": virtual_service,
    "DestinationRule": destination_rule,
    "AuthorizationPolicy": authorization_policy,
    "PeerAuthentication": peer_authentication,
    "Telemetry": telemetry,
    "WasmPlugin": wasm_plugin,
}


def importer(bodies: Sequence[Body], scene: Scene) -> Imported:
    counts = Counter(claim for body in bodies for claim in claimed(claims, body))
    drafts: list[Draft] = []
    kept: dict[ObjectKey, str] = {}
    for body in bodies:
        try:
            _check(body, counts)
            drafts.append(drafted(_READERS[str(body.get("kind", ""))], body, scene))
        except Unsayable as reason:
            kept[key_of(body)] = str(reason)
    return Imported(tuple(drafts), kept)


def _check(body: Body, counts: Mapping[str, int]) -> None:
    kind = str(body.get("kind", ""))
    if kind not in _READERS:
        raise Unsayable("no neutral document is made of this kind")
    if read := read_by_mesh(body):
        raise Unsayable(f"no neutral field covers what the mesh reads in {', '.join(read)}")
    if doubles := [claim for claim in sorted(claimed(claims, body)) if counts[claim] > 1]:
        raise Unsayable(f"another object says something of {doubles[0]} too, and the mesh uses only one of them")
