"""Active health checks of endpoints by every proxy that calls them; they go the way of requests, identity and all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.amounts import length
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.facts import PortFacts
from reconciler.model.rules import Leaf

#: what holds where nothing is said; the proxy wants all four
_INTERVAL, _TIMEOUT, _HEALTHY, _UNHEALTHY = "10s", "1s", 2, 3
_HTTP2 = ("http2", "grpc")


def health_checks(rule: Mapping[str, Any], leaves: Iterable[Leaf], port: PortFacts, gaps: Gaps) -> dict[str, Any]:
    """``health_checks`` of a Cluster; none of a port that does not speak what is asked."""
    asked, leaf = section(rule, "healthCheck"), leaf_at(leaves, "traffic.healthCheck")
    protocol = str(asked.get("protocol", "HTTP"))
    if not asked or not fits(port, protocol):
        return {}
    interval = length(asked.get("interval", _INTERVAL), leaf, gaps)
    check = {
        "timeout": length(asked.get("timeout", _TIMEOUT), leaf, gaps),
        "interval": interval,
        # by itself the proxy asks rarely while nobody calls
        "no_traffic_interval": interval,
        "healthy_threshold": int(asked.get("healthy", _HEALTHY)),
        "unhealthy_threshold": int(asked.get("unhealthy", _UNHEALTHY)),
        **_way(protocol, str(asked.get("path", "/")), port),
    }
    return {"health_checks": [check]}


def check_ports(rule: Mapping[str, Any], leaves: Iterable[Leaf], ports: Iterable[PortFacts], gaps: Gaps) -> None:
    """A check that no port could be asked by is an error."""
    protocol = str(section(rule, "healthCheck").get("protocol", "HTTP"))
    if "healthCheck" in rule and not any(fits(port, protocol) for port in ports):
        told = f"no port is known that could be asked by {protocol}"
        gaps.error("mesh-inexpressible", told, leaf_at(leaves, "traffic.healthCheck"))


def fits(port: PortFacts, protocol: str) -> bool:
    if protocol == "GRPC":
        return port.app_protocol in _HTTP2
    return protocol == "TCP" or names.is_http(port)


def _way(protocol: str, path: str, port: PortFacts) -> dict[str, Any]:
    if protocol == "TCP":
        return {"tcp_health_check": {}}
    if protocol == "GRPC":
        return {"grpc_health_check": {}}
    codec = {"codec_client_type": "HTTP2"} if port.app_protocol in _HTTP2 else {}
    return {"http_health_check": {"path": path, **codec}}
