"""Puts the parts together: the value that the registry finds."""

from __future__ import annotations

from reconciler.adapters.base import Adapter
from reconciler.adapters.linkerd import egress, hosts, namespaces, servers
from reconciler.adapters.linkerd.capabilities import claims as capability_claims
from reconciler.adapters.linkerd.detect import DEFAULT_POLICY, POLICY_SETTING, TYPE, detect
from reconciler.adapters.linkerd.importing import importer
from reconciler.adapters.linkerd.kinds import DETECT_KINDS, KINDS, NAMESPACE, OWNABLE, SERVICE
from reconciler.adapters.linkerd.live import claims, health
from reconciler.adapters.linkerd.meaning import meanings
from reconciler.adapters.linkerd.meaning.failures import ACCRUAL
from reconciler.adapters.standard.live import routed
from reconciler.model.facts import MeshFacts
from reconciler.model.refs import KindId

ADAPTER = Adapter(
    name=TYPE,
    kinds=KINDS,
    detect_kinds=DETECT_KINDS,
    detect=detect,
    default_mesh=MeshFacts(
        type=TYPE,
        namespace="linkerd",
        trust_domain="cluster.local",
        mtls="Permissive",
        settings={POLICY_SETTING: "all-unauthenticated"},
    ),
    emitters=(hosts.emit, servers.emit, namespaces.emit, egress.emit),
    capabilities=capability_claims,
    health=health,
    claims=claims,
    raw_kinds=OWNABLE,
    lending={SERVICE.kind: (ACCRUAL, "retry.linkerd.io/", "timeout.linkerd.io/"), NAMESPACE.kind: (DEFAULT_POLICY,)},
    importer=importer,
    meanings=meanings,
    routed=routed,
    rivals=frozenset({KindId("linkerd.io", "ServiceProfile"), KindId("split.smi-spec.io", "TrafficSplit")}),
)
