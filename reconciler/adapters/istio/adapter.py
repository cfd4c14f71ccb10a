"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.istio import (
    access,
    default_deny,
    egress,
    entries,
    filters,
    hosts,
    ingress,
    mtls,
    proxy_config,
    reach,
    telemetry,
    tokens,
)
from reconciler.adapters.istio.bridge import bridge
from reconciler.adapters.istio.capabilities import claims as capability_claims
from reconciler.adapters.istio.connections import routes_connections
from reconciler.adapters.istio.detect import DEFAULT_TRUST_DOMAIN, TYPE, detect
from reconciler.adapters.istio.importing import importer
from reconciler.adapters.istio.kinds import DETECT_KINDS, KINDS, OWNABLE
from reconciler.adapters.istio.live import claims, health, normalize, routed
from reconciler.adapters.istio.meaning import meanings
from reconciler.adapters.istio.profiles import PROFILES, profile
from reconciler.model.facts import MeshFacts

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(TYPE, "istio-system", trust_domain=DEFAULT_TRUST_DOMAIN),
    emitters=(
        entries.emit,
        hosts.emit,
        tokens.emit,
        access.emit,
        default_deny.emit,
        mtls.emit,
        reach.emit,
        egress.emit,
        proxy_config.emit,
        telemetry.emit,
        filters.emit,
        ingress.emit,
    ),
    capabilities=capability_claims,
    normalize=normalize,
    health=health,
    claims=claims,
    bridge=bridge,
    proxied_pods="security.istio.io/tlsMode=istio",
    raw_kinds=OWNABLE,
    profile=profile,
    profiles=PROFILES,
    routes_connections=routes_connections,
    importer=importer,
    meanings=meanings,
    routed=routed,
)
