"""``trafficPolicy.loadBalancer``: a simple policy or a consistent hash, never both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.leaves import section
from reconciler.model.rules import Leaf

_SIMPLE = {
    "RoundRobin": "ROUND_ROBIN",
    "LeastRequest": "LEAST_REQUEST",
    "Random": "RANDOM",
    "Passthrough": "PASSTHROUGH",
}
_HASHING = ("RingHash", "Maglev")
_KEYS = ("header", "cookie", "sourceIp", "query")


def load_balancer(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """The native settings, empty when nothing that we carry is asked. A hash without a policy is RingHash."""
    policy = asked.get("policy")
    hashed = {key: value for key, value in section(asked, "hash").items() if key in _KEYS and value is not False}
    if policy is None and not hashed:
        return {}
    if policy in _SIMPLE and not hashed:
        return {"simple": _SIMPLE[policy]}
    if policy in _SIMPLE:
        gaps.error("mesh-invalid-value", f"load balancing by a hash is RingHash or Maglev, not {policy}", leaf)
    elif policy is not None and policy not in _HASHING:
        gaps.error("mesh-invalid-value", f"the mesh has no load balancing policy {policy!r}", leaf)
    if len(hashed) != 1:
        gaps.error(
            "hash-key",
            f"load balancing by a hash needs one of {', '.join(_KEYS)}, and only one; given: {len(hashed)}",
            leaf,
        )
        return {}
    algorithm: dict[str, Any] = {"maglev": {}} if policy == "Maglev" else {}
    return {"consistentHash": _key(*next(iter(hashed.items())), leaf, gaps) | algorithm}


def _key(name: str, value: Any, leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    match name:
        case "header":
            return {"httpHeaderName": str(value)}
        case "query":
            return {"httpQueryParameterName": str(value)}
        case "sourceIp":
            return {"useSourceIp": True}
        case _:
            return {"httpCookie": _cookie(value, leaf, gaps)}


def _cookie(value: Any, leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """A name, or ``{name, path, ttl}``; a ttl of 0s makes a cookie of the session."""
    if not isinstance(value, Mapping):
        return {"name": str(value)}
    cookie = {field: str(value[field]) for field in ("name", "path") if field in value}
    if "ttl" in value:
        cookie["ttl"] = str(value["ttl"]) if value["ttl"] == "0s" else duration(value["ttl"], leaf, gaps)
    return cookie
