"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.gateway_api.detect import TYPE, detect
from reconciler.adapters.standard import hosts, ingress
from reconciler.adapters.standard.capabilities import claims as capability_claims
from reconciler.adapters.standard.importing import importer
from reconciler.adapters.standard.kinds import DETECT_KINDS
from reconciler.adapters.standard.live import claims, health, routed
from reconciler.adapters.standard.meaning import meanings
from reconciler.adapters.standard.written import KINDS, OWNABLE
from reconciler.model.facts import MeshFacts

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(TYPE, ""),
    emitters=(hosts.emit, ingress.emit),
    capabilities=capability_claims,
    health=health,
    claims=claims,
    raw_kinds=OWNABLE,
    controllers=("gatewayapi",),
    routes_connections=lambda _profile, _ports: False,  # routes bind to Services for requests only
    importer=importer,
    meanings=meanings,
    routed=routed,
)
