"""PeerAuthentication for the workloads of a service: its mode."""

from __future__ import annotations

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.services import selected
from reconciler.adapters.istio.meaning.names import spec_of
from reconciler.adapters.istio.mtls import MODES

_NEUTRAL = {theirs: ours for ours, theirs in MODES.items()}


def peer_authentication(body: Body, scene: Scene) -> Draft:
    spec = spec_of(body)
    only(spec, ("selector", "mtls"), "spec")
    mode = str((spec.get("mtls") or {}).get("mode", "UNSET"))
    if mode not in _NEUTRAL:
        raise Unsayable(f"mode {mode} leaves it to what is wider")
    own = selected(body, scene).ref
    usual = named(TYPE, body, f"{own.name}-mtls", scene)
    wide = {"to": [scene.short(own)], "rule": {"mtls": _NEUTRAL[mode]}, **usual}
    name = str(body["metadata"]["name"])
    return Draft(key_of(body), ({"kind": "TrafficPolicy", "name": f"{name}-mtls", "spec": wide},))
