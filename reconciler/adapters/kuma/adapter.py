"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.kuma import access, default_deny, egress, hosts, mtls, patches, tagged, telemetry
from reconciler.adapters.kuma.capabilities import claims as capability_claims
from reconciler.adapters.kuma.connections import routes_connections
from reconciler.adapters.kuma.detect import TYPE, detect
from reconciler.adapters.kuma.importing import importer
from reconciler.adapters.kuma.kinds import DETECT_KINDS, KINDS, OWNABLE
from reconciler.adapters.kuma.live import claims, health, maker, normalize, routed
from reconciler.adapters.kuma.meaning import meanings
from reconciler.adapters.kuma.profiles import PROFILES, profile
from reconciler.model.facts import MeshFacts

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(TYPE, "kuma-system"),
    emitters=(
        hosts.emit,
        access.emit,
        tagged.emit,
        default_deny.emit,
        mtls.emit,
        egress.emit,
        telemetry.emit,
        patches.emit,
    ),
    capabilities=capability_claims,
    normalize=normalize,
    health=health,
    claims=claims,
    raw_kinds=OWNABLE,
    importer=importer,
    meanings=meanings,
    maker=maker,
    profile=profile,
    profiles=PROFILES,
    routes_connections=routes_connections,
    routed=routed,
)
