"""Calls to hosts that the mesh does not know: ``transparentProxy.meshDestinationsOnly`` of the one Mesh entry, which is
for proxies that take all calls of their service; others call nothing but the upstreams of their registration anyway."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.consul.kinds import MESH
from reconciler.adapters.consul.names import place_of
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.model.intents import MeshIntent

#: the name that the object has to have
_NAME = "mesh"
_CLOSED = "RegistryOnly"


def emit(intent: MeshIntent) -> Iterable[Built]:
    asked = intent.egress
    if asked is None:
        return
    spec = {"transparentProxy": {"meshDestinationsOnly": asked.mode == _CLOSED}}
    made = build(intent, MESH, place_of(MESH, intent), _NAME, spec, asked.origins)
    yield built([made], Gaps(), asked.origins, intent)
