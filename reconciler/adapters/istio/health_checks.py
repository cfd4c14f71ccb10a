"""Active health checks of a host's endpoints, by every proxy that calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.proxy_patches import Native, length
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.protocols import Speech, is_http2, speech
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent

#: what holds where nothing is said; the proxies want all four
_INTERVAL, _TIMEOUT, _HEALTHY, _UNHEALTHY = "10s", "1s", 2, 3


def health_checks(asked: Mapping[str, Any], host: HostIntent, gaps: Gaps) -> Iterator[tuple[int, Native]]:
    """The service ports that are checked, each with how."""
    if not asked:
        return
    leaf = leaf_at(host.host_leaves, "traffic.healthCheck")
    protocol = asked.get("protocol", "HTTP")
    ports = [port for port in (host.facts.ports if host.facts else ()) if _fits(port, protocol)]
    if not ports:
        told = f"no port of {host.service.label} is known that could be asked by {protocol}"
        gaps.error("mesh-inexpressible", told, leaf)
    common: Native = {
        "timeout": length(duration(asked.get("timeout", _TIMEOUT), leaf, gaps)),
        "interval": length(duration(asked.get("interval", _INTERVAL), leaf, gaps)),
        "healthy_threshold": int(asked.get("healthy", _HEALTHY)),
        "unhealthy_threshold": int(asked.get("unhealthy", _UNHEALTHY)),
    }
    for port in sorted(ports, key=lambda port: port.number):
        yield port.number, common | _way(protocol, str(asked.get("path", "/")), port)


def _fits(port: PortFacts, protocol: str) -> bool:
    spoken = speech(port)
    if protocol == "GRPC":
        return is_http2(port)
    return spoken is not Speech.UDP if protocol == "TCP" else spoken in (Speech.HTTP, Speech.UNDECLARED)


def _way(protocol: str, path: str, port: PortFacts) -> Native:
    if protocol == "TCP":
        return {"tcp_health_check": {}}
    if protocol == "GRPC":
        return {"grpc_health_check": {}}
    codec = {"codec_client_type": "HTTP2"} if is_http2(port) else {}
    return {"http_health_check": {"path": path} | codec}
