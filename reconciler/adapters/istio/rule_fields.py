"""What we call the fields of a DestinationRule and its values, for writing one and for reading one."""

from __future__ import annotations

from collections.abc import Mapping

OUTLIER = {
    "consecutiveErrors": "consecutive5xxErrors",
    "consecutiveGatewayErrors": "consecutiveGatewayErrors",
    "interval": "interval",
    "baseEjection": "baseEjectionTime",
    "maxEjectionPercent": "maxEjectionPercent",
    "minHealthPercent": "minHealthPercent",
}
TCP = {"max": "maxConnections", "connectTimeout": "connectTimeout"}
KEEPALIVE = {"probes": "probes", "time": "time", "interval": "interval"}
HTTP = {
    "maxPending": "http1MaxPendingRequests",
    "maxRequests": "http2MaxRequests",
    "maxPerConnection": "maxRequestsPerConnection",
    "maxRetries": "maxRetries",
    "idle": "idleTimeout",
}
#: those that are lengths of time
LENGTHS = {"interval", "baseEjection", "connectTimeout", "idle", "time"}
BALANCERS = {
    "RoundRobin": "ROUND_ROBIN",
    "LeastRequest": "LEAST_REQUEST",
    "Random": "RANDOM",
    "Passthrough": "PASSTHROUGH",
}
TLS_MODES = {"Disable": "DISABLE", "Simple": "SIMPLE", "MeshMutual": "ISTIO_MUTUAL"}


def inverse(names: Mapping[str, str]) -> dict[str, str]:
    """From the words of the mesh to ours."""
    return {theirs: ours for ours, theirs in names.items()}
