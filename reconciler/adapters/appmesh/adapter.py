"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.appmesh import hosts
from reconciler.adapters.appmesh.capabilities import claims as capability_claims
from reconciler.adapters.appmesh.detect import TYPE, detect
from reconciler.adapters.appmesh.importing import importer
from reconciler.adapters.appmesh.kinds import DETECT_KINDS, KINDS, OWNABLE
from reconciler.adapters.appmesh.live import claims, health, normalize, routed
from reconciler.adapters.appmesh.meaning import meanings
from reconciler.adapters.base import Adapter
from reconciler.model.facts import MeshFacts

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(TYPE, "appmesh-system"),
    emitters=(hosts.emit,),
    capabilities=capability_claims,
    normalize=normalize,
    health=health,
    claims=claims,
    raw_kinds=OWNABLE,
    importer=importer,
    meanings=meanings,
    routed=routed,
    routes_connections=lambda _profile, _ports: False,  # what is no HTTP goes where it did
    api="aws",
)
