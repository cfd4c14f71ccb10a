"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.envoy import bootstrap, extensions, inbound, ingress, listeners, outbound, places, telemetry
from reconciler.adapters.envoy.additions import as_asked
from reconciler.adapters.envoy.capabilities import claims as capability_claims
from reconciler.adapters.envoy.detect import DEFAULT_TRUST_DOMAIN, DETECT_KINDS, TYPE, detect
from reconciler.adapters.envoy.kinds import KINDS
from reconciler.adapters.envoy.listeners import OUTBOUND_PORT
from reconciler.adapters.envoy.live import claims, copy_of, health, routed
from reconciler.adapters.envoy.spoken import as_spoken
from reconciler.model.facts import MeshFacts

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(TYPE, "", trust_domain=DEFAULT_TRUST_DOMAIN, declared=True),
    emitters=(
        places.emit,
        *(as_spoken(one) for one in (telemetry.emit, extensions.emit)),
        *(
            as_spoken(as_asked(one))
            for one in (bootstrap.emit, outbound.emit, inbound.emit, listeners.emit, ingress.emit)
        ),
    ),
    capabilities=capability_claims,
    health=health,
    claims=claims,
    caller_port=OUTBOUND_PORT,
    copy_of=copy_of,
    routed=routed,
    routes_connections=lambda _profile, _ports: True,
)
