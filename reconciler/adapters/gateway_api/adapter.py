"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.gateway_api import hosts, ingress
from reconciler.adapters.gateway_api.capabilities import claims as capability_claims
from reconciler.adapters.gateway_api.detect import TYPE, detect
from reconciler.adapters.gateway_api.importing import importer
from reconciler.adapters.gateway_api.kinds import DETECT_KINDS
from reconciler.adapters.gateway_api.live import claims, health
from reconciler.adapters.gateway_api.meaning import meanings
from reconciler.adapters.gateway_api.written import KINDS, OWNABLE
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
    importer=importer,
    meanings=meanings,
)
