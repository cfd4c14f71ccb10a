"""The health probes of callers, which arrive as any other call: who may call at all may also ask whether it makes sense
to, at the path that a policy names for this. What is denied stays denied."""

from __future__ import annotations

from reconciler.adapters.envoy.arrivals import Arrival
from reconciler.adapters.envoy.conditions import Permission
from reconciler.adapters.leaves import section, tree

_GRPC = "/grpc.health.v1.Health/Check"


def probe(arrival: Arrival) -> Permission | None:
    """The probing request; None where none arrives."""
    if arrival.host is None or not arrival.is_http:
        return None
    asked = section(tree(arrival.host.host_leaves), "healthCheck")
    if asked.get("protocol") == "GRPC":
        return _call("POST", _GRPC)
    spoken = asked.get("protocol", "HTTP") == "HTTP"
    return _call("GET", str(asked["path"]).partition("?")[0]) if spoken and "path" in asked else None


def _call(method: str, path: str) -> Permission:
    called = {"url_path": {"path": {"exact": path}}}
    return {"and_rules": {"rules": [{"header": {"name": ":method", "string_match": {"exact": method}}}, called]}}
