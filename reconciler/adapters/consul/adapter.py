"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.consul import default_deny, egress, services, telemetry
from reconciler.adapters.consul.bridge import bridge
from reconciler.adapters.consul.capabilities import claims as capability_claims
from reconciler.adapters.consul.detect import TYPE, detect
from reconciler.adapters.consul.importing import importer
from reconciler.adapters.consul.kinds import DETECT_KINDS, KINDS, OWNABLE
from reconciler.adapters.consul.live import claims, health, normalize
from reconciler.adapters.consul.meaning import meanings
from reconciler.model.facts import MeshFacts

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(TYPE, "consul", mtls="Strict"),
    emitters=(services.emit, default_deny.emit, telemetry.emit, egress.emit),
    capabilities=capability_claims,
    normalize=normalize,
    health=health,
    claims=claims,
    bridge=bridge,
    raw_kinds=OWNABLE,
    importer=importer,
    meanings=meanings,
)
