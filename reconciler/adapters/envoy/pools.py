"""What holds for a service, or a part of it, as a whole: how many connections and requests its callers have under way,
and which endpoints they leave out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.envoy.amounts import UNLIMITED, length, whole, whole_seconds
from reconciler.adapters.envoy.localities import needs_outlier
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.rules import Leaf

#: added where requests are to leave a place and nobody says when. Only endpoints that cannot be reached count, since
#: an answer of 500 is the business of the application.
FAILING: Mapping[str, Any] = {
    "consecutiveGatewayErrors": 5,
    "interval": "10s",
    "baseEjection": "30s",
    "maxEjectionPercent": 100,
}
_LENGTHS = {"interval": "interval", "baseEjection": "base_ejection_time"}
_ERRORS = {"consecutiveErrors": "consecutive_5xx", "consecutiveGatewayErrors": "consecutive_gateway_failure"}
_RATE = {"minimumHosts": "success_rate_minimum_hosts", "requestVolume": "success_rate_request_volume"}
_LIMITS = {"maxPending": "max_pending_requests", "maxRequests": "max_requests", "maxRetries": "max_retries"}


def thresholds(rule: Mapping[str, Any], leaves: Iterable[Leaf], gaps: Gaps) -> dict[str, Any]:
    """``circuit_breakers``: without limits where none are asked for, since the proxy has some of its own."""
    asked = section(rule, "connections")
    http, tcp = section(asked, "http"), section(asked, "tcp")
    native: dict[str, Any] = {"max_connections": int(tcp.get("max", UNLIMITED))}
    native |= {name: int(http.get(field, UNLIMITED)) for field, name in _LIMITS.items()}
    budget = section(section(rule, "retries"), "budget")
    if "percent" in budget:
        leaf = leaf_at(leaves, "traffic.retries")
        if "maxRetries" in http:
            told = "a budget of retries takes the place of a limit of them"
            gaps.warning(
                "leaf-cancelled", told, leaf_at(leaves, "traffic.connections.http.maxRetries"), "leave one out"
            )
        over = {"budget_interval": length(budget["ttl"], leaf, gaps)} if "ttl" in budget else {}
        native["retry_budget"] = {"budget_percent": {"value": budget["percent"]}, **over}
    elif "ttl" in budget:
        told = "a time over which requests are counted says nothing without a percentage of them"
        gaps.error("mesh-inexpressible", told, leaf_at(leaves, "traffic.retries"), "add retries.budget.percent")
    return {"circuit_breakers": {"thresholds": [native]}}


def connect_timeout(rule: Mapping[str, Any], leaves: Iterable[Leaf], gaps: Gaps) -> str:
    by_name = (("timeout", "connect", rule), ("tcp", "connectTimeout", section(rule, "connections")))
    for name, field, above in by_name:
        if field in section(above, name):
            path = "traffic.timeout" if name == "timeout" else "traffic.connections"
            return length(section(above, name)[field], leaf_at(leaves, path), gaps)
    return "5s"


def keepalive(rule: Mapping[str, Any], leaves: Iterable[Leaf], gaps: Gaps) -> dict[str, Any]:
    asked = section(section(section(rule, "connections"), "tcp"), "keepalive")
    leaf = leaf_at(leaves, "traffic.connections")
    native = {"keepalive_probes": int(asked["probes"])} if "probes" in asked else {}
    native |= {
        f"keepalive_{field}": whole_seconds(asked[field], leaf, gaps) for field in ("time", "interval") & asked.keys()
    }
    return {"upstream_connection_options": {"tcp_keepalive": native}} if native else {}


def http_options(rule: Mapping[str, Any], leaves: Iterable[Leaf], gaps: Gaps) -> dict[str, Any]:
    """``common_http_protocol_options`` of connections to endpoints."""
    asked = section(section(rule, "connections"), "http")
    native: dict[str, Any] = {}
    if "maxPerConnection" in asked:
        native["max_requests_per_connection"] = int(asked["maxPerConnection"])
    if "idle" in asked:
        native["idle_timeout"] = length(asked["idle"], leaf_at(leaves, "traffic.connections"), gaps)
    return {"common_http_protocol_options": native} if native else {}


def outlier(rule: Mapping[str, Any], leaves: Iterable[Leaf], gaps: Gaps) -> dict[str, Any]:
    """``outlier_detection``: what is asked, and none of what the proxy does besides where somebody says what counts."""
    asked: Mapping[str, Any] = section(rule, "outlier")
    if not asked and needs_outlier(section(section(rule, "loadBalancing"), "locality")) and "healthCheck" not in rule:
        asked = FAILING
    if not asked:
        return {}
    leaf = leaf_at(leaves, "traffic.outlier")
    native: dict[str, Any] = {
        name: length(asked[field], leaf, gaps) for field, name in _LENGTHS.items() if field in asked
    }
    if "maxEjectionPercent" in asked:
        native["max_ejection_percent"] = whole("maxEjectionPercent", asked["maxEjectionPercent"], leaf, gaps)
    return {"outlier_detection": native | _errors(asked) | _success_rate(section(asked, "successRate"))}


def _errors(asked: Mapping[str, Any]) -> dict[str, Any]:
    native: dict[str, Any] = {}
    named = [field for field in _ERRORS if field in asked]
    for field, name in _ERRORS.items():
        if asked.get(field):
            native |= {name: int(asked[field]), f"enforcing_{name}": 100}
        elif named or "successRate" in asked:
            native[f"enforcing_{name}"] = 0
    return native


def _success_rate(asked: Mapping[str, Any]) -> dict[str, Any]:
    if not asked:
        return {"enforcing_success_rate": 0}
    native: dict[str, Any] = {"enforcing_success_rate": 100}
    native |= {name: int(asked[field]) for field, name in _RATE.items() if field in asked}
    if "standardDeviationFactor" in asked:
        native["success_rate_stdev_factor"] = round(asked["standardDeviationFactor"] * 1000)
    return native
