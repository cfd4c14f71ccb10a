"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.cilium import access, default_deny, egress, hosts, ingress, mtls
from reconciler.adapters.cilium.capabilities import claims as capability_claims
from reconciler.adapters.cilium.detect import TRUST_DOMAIN, TYPE, detect
from reconciler.adapters.cilium.importing import importer
from reconciler.adapters.cilium.kinds import DETECT_KINDS, KINDS, OWNABLE
from reconciler.adapters.cilium.live import claims, health, routed
from reconciler.adapters.cilium.meaning import meanings
from reconciler.model.facts import MeshFacts

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(TYPE, "kube-system", trust_domain=TRUST_DOMAIN, mtls="Permissive"),
    emitters=(hosts.emit, ingress.emit, access.emit, mtls.emit, default_deny.emit, egress.emit),
    capabilities=capability_claims,
    health=health,
    claims=claims,
    raw_kinds=OWNABLE,
    controllers=(TYPE,),
    importer=importer,
    meanings=meanings,
    routed=routed,
)
