"""MeshCircuitBreaker: limits of connections to a service, and endpoints that fail. What it does not say stays as a
wider policy has it: the control plane makes one for every mesh with limits of 1024."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.destinations import of_connections
from reconciler.adapters.kuma.kinds import CIRCUIT_BREAKER
from reconciler.adapters.kuma.lengths import duration
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.rules import Leaf

Native = dict[str, Any]
_LIMITS = {
    "tcp": {"max": "maxConnections"},
    "http": {"maxPending": "maxPendingRequests", "maxRequests": "maxRequests", "maxRetries": "maxRetries"},
}
_RATE = ("minimumHosts", "requestVolume")


def circuit_breaker(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The policy of a service, None where nothing of it is asked."""
    rule = tree(host.host_leaves)
    parts = {
        "connectionLimits": _limits(section(rule, "connections"), host, gaps),
        "outlierDetection": _outlier(section(rule, "outlier"), host, gaps),
    }
    default = {name: part for name, part in parts.items() if part}
    if not default:
        return None
    return of_connections(CIRCUIT_BREAKER, default, ("traffic.connections.", "traffic.outlier."), host, intent)


def _limits(asked: Mapping[str, Any], host: HostIntent, gaps: Gaps) -> Native:
    native: Native = {}
    for part, names in _LIMITS.items():
        for field, name in names.items():
            if field in section(asked, part):
                leaf = leaf_at(host.host_leaves, f"traffic.connections.{part}.{field}")
                native[name] = _positive(section(asked, part)[field], leaf, gaps)
    return native


def _positive(value: Any, leaf: Leaf | None, gaps: Gaps) -> int:
    if int(value) != value or value < 1:
        gaps.error("mesh-invalid-value", f"the mesh takes a whole number of at least 1, not {value}", leaf)
    return int(value)


def _outlier(asked: Mapping[str, Any], host: HostIntent, gaps: Gaps) -> Native:
    """The mesh wants a detector; the proxies' own is of errors in a row."""
    if not asked:
        return {}
    leaf = leaf_at(host.host_leaves, "traffic.outlier")
    native: Native = {}
    for field, name in (("interval", "interval"), ("baseEjection", "baseEjectionTime")):
        if field in asked:
            native[name] = duration(asked[field], leaf, gaps)
    if "maxEjectionPercent" in asked:
        native["maxEjectionPercent"] = int(asked["maxEjectionPercent"])
    if "minHealthPercent" in asked:
        native["healthyPanicThreshold"] = int(asked["minHealthPercent"])
    detectors: Native = {}
    if "consecutiveErrors" in asked:
        detectors["totalFailures"] = {"consecutive": _positive(asked["consecutiveErrors"], leaf, gaps)}
    if "consecutiveGatewayErrors" in asked:
        detectors["gatewayFailures"] = {"consecutive": _positive(asked["consecutiveGatewayErrors"], leaf, gaps)}
    if "successRate" in asked:
        detectors["successRate"] = _success_rate(section(asked, "successRate"), leaf, gaps)
    return native | {"detectors": detectors or {"totalFailures": {}}}


def _success_rate(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> Native:
    native: Native = {field: _positive(asked[field], leaf, gaps) for field in _RATE if field in asked}
    if "standardDeviationFactor" in asked:
        factor = float(asked["standardDeviationFactor"])
        native["standardDeviationFactor"] = int(factor) if factor.is_integer() else f"{factor:g}"
    return native
