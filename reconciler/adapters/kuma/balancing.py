"""MeshLoadBalancingStrategy: how the callers of a service choose among its endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.destinations import of_connections
from reconciler.adapters.kuma.kinds import BALANCING
from reconciler.adapters.kuma.lengths import duration
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.adapters.served import has_field
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.rules import Leaf

Native = dict[str, Any]
_SIMPLE = ("RoundRobin", "LeastRequest", "Random")
_HASHING = {"RingHash": "ringHash", "Maglev": "maglev"}
_KEYS = ("header", "cookie", "sourceIp", "query")
#: since when hashes do not belong to one of the two policies
_COMMON = "spec.to.default.hashPolicies"


def balancing(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The policy of a service, None where nothing of it is asked."""
    asked = section(tree(host.host_leaves), "loadBalancing")
    leaf = leaf_at(host.host_leaves, "traffic.loadBalancing")
    default = _strategy(asked, leaf, intent, gaps)
    if not default:
        return None
    return of_connections(BALANCING, default, ("traffic.loadBalancing.",), host, intent)


def _strategy(asked: Mapping[str, Any], leaf: Leaf | None, intent: MeshIntent, gaps: Gaps) -> Native:
    """A hash without a policy is RingHash."""
    policy = asked.get("policy")
    hashed = {key: value for key, value in section(asked, "hash").items() if key in _KEYS and value is not False}
    if policy is None and not hashed:
        return {}
    if policy in _SIMPLE:
        if hashed:
            gaps.error("mesh-invalid-value", f"load balancing by a hash is RingHash or Maglev, not {policy}", leaf)
        return {"loadBalancer": {"type": policy}}
    if policy is not None and policy not in _HASHING:
        gaps.error("mesh-inexpressible", f"the mesh has no load balancing policy {policy!r}", leaf)
        return {}
    if len(hashed) != 1:
        told = f"load balancing by a hash needs one of {', '.join(_KEYS)}, and only one; given: {len(hashed)}"
        gaps.error("hash-key", told, leaf)
        return {}
    kind = policy or "RingHash"
    policies = [_hash(*next(iter(hashed.items())), leaf, gaps)]
    if has_field(BALANCING, _COMMON, intent.cluster.crds):
        return {"loadBalancer": {"type": kind}, "hashPolicies": policies}
    return {"loadBalancer": {"type": kind, _HASHING[kind]: {"hashPolicies": policies}}}


def _hash(key: str, value: Any, leaf: Leaf | None, gaps: Gaps) -> Native:
    match key:
        case "header":
            return {"type": "Header", "header": {"name": str(value).lower()}}
        case "query":
            return {"type": "QueryParameter", "queryParameter": {"name": str(value)}}
        case "cookie":
            return {"type": "Cookie", "cookie": _cookie(value, leaf, gaps)}
        case _:
            return {"type": "Connection", "connection": {"sourceIP": True}}


def _cookie(value: Any, leaf: Leaf | None, gaps: Gaps) -> Native:
    """A name, or ``{name, path, ttl}``; a ttl of 0s makes a cookie of the session."""
    if not isinstance(value, Mapping):
        return {"name": str(value)}
    cookie = {field: str(value[field]) for field in ("name", "path") if field in value}
    if not cookie.get("path", "/").startswith("/"):
        gaps.error("mesh-invalid-value", f"the path of a cookie begins with a slash: {cookie['path']!r}", leaf)
    if "ttl" in value:
        cookie["ttl"] = duration(value["ttl"], leaf, gaps, least=0)
    return cookie
