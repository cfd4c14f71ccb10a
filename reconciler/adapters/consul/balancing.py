"""``loadBalancer`` of a ServiceResolver: a policy, or a hash of something of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.consul.resilience import duration
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section
from reconciler.model.rules import Leaf

_POLICIES = {"Random": "random", "RoundRobin": "round_robin", "LeastRequest": "least_request"}
_HASHING = {"RingHash": "ring_hash", "Maglev": "maglev"}
_KEYS = ("header", "cookie", "sourceIp", "query")
Native = dict[str, Any]


def load_balancer(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> Native:
    """Empty when nothing is asked. A hash without a policy is RingHash."""
    policy = asked.get("policy")
    hashed = {key: value for key, value in section(asked, "hash").items() if key in _KEYS and value is not False}
    if policy is None and not hashed:
        return {}
    if policy in _POLICIES and not hashed:
        return {"policy": _POLICIES[policy]}
    if policy in _POLICIES:
        gaps.error("mesh-invalid-value", f"load balancing by a hash is RingHash or Maglev, not {policy}", leaf)
    elif policy is not None and policy not in _HASHING:
        gaps.error("mesh-invalid-value", f"the mesh has no load balancing policy {policy!r}", leaf)
    if len(hashed) != 1:
        told = f"load balancing by a hash needs one of {', '.join(_KEYS)}, and only one; given: {len(hashed)}"
        gaps.error("hash-key", told, leaf)
        return {}
    name, value = next(iter(hashed.items()))
    return {"policy": _HASHING.get(policy or "", "ring_hash"), "hashPolicies": [_key(name, value, leaf, gaps)]}


def hashes_requests(spec: Mapping[str, Any]) -> bool:
    """Whether a resolver chooses by something of a request, which only those see that see requests."""
    return any("field" in policy for policy in section(spec, "loadBalancer").get("hashPolicies") or ())


def _key(name: str, value: Any, leaf: Leaf | None, gaps: Gaps) -> Native:
    match name:
        case "header":
            return {"field": "header", "fieldValue": str(value)}
        case "query":
            return {"field": "query_parameter", "fieldValue": str(value)}
        case "sourceIp":
            return {"sourceIP": True}
        case _:
            return _cookie(value, leaf, gaps)


def _cookie(value: Any, leaf: Leaf | None, gaps: Gaps) -> Native:
    """A name, or ``{name, path, ttl}``; a ttl of 0s makes a cookie of the session. Without one the mesh makes none."""
    asked = value if isinstance(value, Mapping) else {"name": value}
    config: Native = {"path": str(asked["path"])} if "path" in asked else {}
    if "ttl" in asked:
        config |= {"session": True} if asked["ttl"] == "0s" else {"ttl": duration(asked["ttl"], leaf, gaps)}
    found = {"field": "cookie", "fieldValue": str(asked["name"])}
    return found | ({"cookieConfig": config} if config else {})
