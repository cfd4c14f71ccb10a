"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.smi import access, hosts, modes
from reconciler.adapters.smi.capabilities import claims as capability_claims
from reconciler.adapters.smi.detect import TYPE, detect
from reconciler.adapters.smi.importing import importer
from reconciler.adapters.smi.kinds import DETECT_KINDS, KINDS, OWNABLE
from reconciler.adapters.smi.live import claims
from reconciler.adapters.smi.meaning import meanings
from reconciler.adapters.smi.products import PROFILES, profile
from reconciler.model.facts import MeshFacts

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(TYPE, "", trust_domain="cluster.local"),
    emitters=(hosts.emit, access.emit, modes.emit),
    capabilities=capability_claims,
    claims=claims,
    raw_kinds=OWNABLE,
    profile=profile,
    profiles=PROFILES,
    importer=importer,
    meanings=meanings,
)
