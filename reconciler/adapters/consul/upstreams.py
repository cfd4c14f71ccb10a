"""What callers keep to when they call a service: limits of connections, and when an instance is left alone. Consul says
that in the ServiceDefaults of each caller, so it goes into those of every service in the mesh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.consul import names
from reconciler.adapters.consul.resilience import duration
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.refs import ServiceRef

Native = dict[str, Any]
#: of the leaves that are told here
PATHS = ("traffic.connections.", "traffic.outlier.")
_OUTLIER = (
    ("consecutiveErrors", "maxFailures"),
    ("interval", "interval"),
    ("baseEjection", "baseEjectionTime"),
    ("maxEjectionPercent", "maxEjectionPercent"),
)
_LENGTHS = ("interval", "baseEjectionTime")


def override(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Native:
    """``upstreamConfig.overrides[]`` for a service; empty when nothing of this is asked."""
    rule = tree(host.host_leaves)
    limits, checked = _limits(rule), _passive_check(host, rule, gaps)
    if not limits and not checked:
        return {}
    names.check(host.service, intent, gaps)
    if not callers(host, intent):
        told = f"the mesh has callers keep to it, and no service is known that could call {host.service.label}"
        gaps.error("workloads-unknown", told)
    found: Native = {"name": host.service.name}
    found |= {"limits": limits} if limits else {}
    return found | ({"passiveHealthCheck": checked} if checked else {})


def callers(host: HostIntent, intent: MeshIntent) -> Iterable[ServiceRef]:
    """Every other service of the mesh, the first of each name."""
    found: dict[str, ServiceRef] = {}
    for one in sorted(names.members(intent), key=lambda one: (one.ref.namespace, one.ref.name)):
        if one.ref.name != host.service.name:
            found.setdefault(one.ref.name, one.ref)
    return tuple(found.values())


def _limits(rule: Mapping[str, Any]) -> Native:
    asked = section(rule, "connections")
    http = section(asked, "http")
    given = (
        ("maxConnections", section(asked, "tcp").get("max")),
        ("maxPendingRequests", http.get("maxPending")),
        ("maxConcurrentRequests", http.get("maxRequests")),
    )
    return {name: int(value) for name, value in given if value is not None}


def _passive_check(host: HostIntent, rule: Mapping[str, Any], gaps: Gaps) -> Native:
    asked, leaf = section(rule, "outlier"), leaf_at(host.host_leaves, "traffic.outlier")
    found: Native = {}
    for field, name in _OUTLIER:
        if field in asked:
            value = asked[field]
            found[name] = duration(value, leaf, gaps) if name in _LENGTHS else int(value)
    return found
