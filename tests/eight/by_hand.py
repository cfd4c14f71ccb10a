"""What somebody changes by hand in an object of each kind that the eight policies make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]
Path = tuple[str | int, ...]
ACCRUAL = "balancer.linkerd.io/failure-accrual-consecutive-max-failures"
#: what a hand changes of each kind, the first that is there
EDITS: dict[str, list[tuple[Path, Any]]] = {
    "Service": [(("metadata", "annotations", ACCRUAL), "9"), (("spec", "selector", "version"), "v9")],
    "HTTPRoute": [
        (("spec", "rules", 0, "backendRefs", 0, "weight"), 1),
        (("spec", "rules", 0, "matches", 0, "path", "value"), "/other"),
    ],
    "DestinationRule": [(("spec", "trafficPolicy", "outlierDetection", "interval"), "99s")],
    "VirtualService": [
        (("spec", "http", 0, "timeout"), "99s"),
        (("spec", "provider", "virtualRouter", "virtualRouterRef", "name"), "other"),
    ],
    "ServiceEntry": [(("spec", "hosts", 0), "other.shop.global")],
    "PeerAuthentication": [(("spec", "mtls", "mode"), "PERMISSIVE")],
    "AuthorizationPolicy": [
        (("spec", "rules", 0, "from", 0, "source", "principals", 0), "cluster.local/ns/x/sa/other"),
        (("spec", "targetRef", "name"), "other"),
    ],
    "MeshTLSAuthentication": [(("spec", "identityRefs", 0, "name"), "other"), (("spec", "identities", 0), "*")],
    "NetworkAuthentication": [(("spec", "networks", 0, "cidr"), "10.0.0.0/8")],
    "Server": [(("spec", "accessPolicy"), "all-unauthenticated")],
    "ServiceDefaults": [
        (("spec", "mutualTLSMode"), "permissive"),
        (("spec", "upstreamConfig", "overrides", 0, "limits", "maxConnections"), 1),
    ],
    "ServiceIntentions": [(("spec", "sources", 1, "action"), "allow")],
    "ServiceResolver": [(("spec", "subsets", "v1", "filter"), "Service.Meta.version == v9")],
    "ServiceSplitter": [(("spec", "splits", 0, "weight"), 1)],
    "ServiceRouter": [(("spec", "routes", 0, "destination", "numRetries"), 9)],
    "MeshHTTPRoute": [(("spec", "to", 0, "rules", 0, "default", "backendRefs", 0, "weight"), 1)],
    "MeshRetry": [(("spec", "to", 0, "default", "http", "numRetries"), 9)],
    "MeshTimeout": [(("spec", "to", 0, "default", "http", "requestTimeout"), "99s")],
    "MeshTLS": [(("spec", "rules", 0, "default", "mode"), "Permissive")],
    "MeshFaultInjection": [(("spec", "rules", 0, "default", "http", 0, "delay", "percentage"), 99)],
    "MeshCircuitBreaker": [(("spec", "to", 0, "default", "connectionLimits", "maxConnections"), 1)],
    "MeshTrafficPermission": [
        (("spec", "rules", 0, "default", "allow", 0, "spiffeID", "value"), "spiffe://cluster.local/ns/x/sa/other")
    ],
    "CiliumNetworkPolicy": [(("spec", "ingress", 0, "toPorts", 0, "rules", "http", 0, "method"), "POST")],
    "VirtualRouter": [
        (("spec", "routes", 0, "httpRoute", "action", "weightedTargets", 0, "weight"), 1),
    ],
    "TrafficSplit": [(("spec", "backends", 0, "weight"), 1)],
    "HTTPRouteGroup": [(("spec", "matches", 0, "methods", 0), "POST")],
    "TCPRoute": [(("spec", "matches", "ports", 0), 9)],
    "TrafficTarget": [(("spec", "sources", 0, "name"), "other")],
    "UpstreamTrafficSetting": [(("spec", "connectionSettings", "tcp", "maxConnections"), 1)],
    "CircuitBreaker": [(("spec", "errors"), 9)],
}


def edit_of(body: Body) -> tuple[Path, Any] | None:
    """Which field gets which value; None for an object that has none of those of its kind."""
    return next(((path, value) for path, value in EDITS[body["kind"]] if _has(body, path)), None)


def _has(body: Any, path: Path) -> bool:
    for step in path:
        inside = step in body if isinstance(body, Mapping) else isinstance(step, int) and step < len(body)
        if not inside:
            return False
        body = body[step]
    return True


def put(body: Any, path: Path, value: Any) -> None:
    for step in path[:-1]:
        body = body[step]
    body[path[-1]] = value
