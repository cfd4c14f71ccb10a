"""PeerAuthentication: the mode of a service's workloads, and that of the whole mesh as the default of a group."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.services import selected
from reconciler.adapters.istio.meaning.names import labels_of, namespace_of, spec_of
from reconciler.adapters.istio.mtls import MESH_WIDE, MODES

_NEUTRAL = {theirs: ours for ours, theirs in MODES.items()}


def peer_authentication(body: Body, scene: Scene) -> Draft:
    spec = spec_of(body)
    only(spec, ("selector", "mtls"), "spec")
    mode = str((spec.get("mtls") or {}).get("mode", "UNSET"))
    if mode not in _NEUTRAL:
        raise Unsayable(f"mode {mode} leaves it to what is wider")
    if namespace_of(body) == (scene.mesh.root_namespace or scene.mesh.namespace) and not labels_of(body):
        return Draft(key_of(body), (_mesh_wide(body, _NEUTRAL[mode], scene),))
    own = selected(body, scene)
    usual = named(TYPE, body, "" if own.part else f"{own.facts.ref.name}-mtls", scene)
    wide = {"to": [own.target(scene)], "rule": {"mtls": _NEUTRAL[mode]}, **usual}
    name = str(body["metadata"]["name"])
    return Draft(key_of(body), ({"kind": "TrafficPolicy", "name": f"{name}-mtls", "spec": wide},))


def _mesh_wide(body: Body, mode: str, scene: Scene) -> dict[str, Any]:
    """A group of this one mesh."""
    if body["metadata"]["name"] != MESH_WIDE and not scene.rename:
        raise Unsayable(f"the mode of a whole mesh would come back under the name {MESH_WIDE}")
    members = {"names": [scene.mesh_name]} | ({"clusters": [scene.only]} if scene.only else {})
    spec = {"meshes": members, "defaults": {"mtls": mode}}
    return {"kind": "VirtualMesh", "name": f"{scene.mesh_name}-mtls", "spec": spec}
