"""How a caller chooses among the endpoints of a service: fields of its Cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.envoy.amounts import length
from reconciler.adapters.envoy.hashing import KEYS
from reconciler.adapters.envoy.localities import has_shares
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.rules import Leaf

_POLICIES = {
    "RoundRobin": "ROUND_ROBIN",
    "LeastRequest": "LEAST_REQUEST",
    "Random": "RANDOM",
    "RingHash": "RING_HASH",
    "Maglev": "MAGLEV",
}
_HASHING = ("RingHash", "Maglev")
_WARMING = {"RoundRobin": "round_robin_lb_config", "LeastRequest": "least_request_lb_config"}


def balancing(rule: Mapping[str, Any], leaves: Iterable[Leaf], home: str, gaps: Gaps) -> dict[str, Any]:
    """``home``: the locality of the caller."""
    asked, leaf = section(rule, "loadBalancing"), leaf_at(leaves, "traffic.loadBalancing")
    policy = _policy(asked, leaf, gaps)
    native = {"lb_policy": _POLICIES[policy]} if policy else {}
    return native | _warmup(asked, policy, leaf, gaps) | _common(rule, asked, home, leaf, gaps)


def _policy(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> str:
    """A hash without a policy is RingHash."""
    hashed = [key for key in KEYS if section(asked, "hash").get(key) not in (None, False)]
    policy = str(asked.get("policy") or ("RingHash" if hashed else ""))
    if policy and policy not in _POLICIES:
        gaps.error("mesh-invalid-value", f"the mesh has no load balancing policy {policy!r}", leaf)
        return ""
    if hashed and policy not in _HASHING:
        gaps.error("mesh-invalid-value", f"load balancing by a hash is RingHash or Maglev, not {policy}", leaf)
    if policy in _HASHING and len(hashed) != 1:
        keys = ", ".join(KEYS)
        told = f"load balancing by a hash needs one of {keys}, and only one; given: {len(hashed)}"
        gaps.error("hash-key", told, leaf)
    if asked.get("subsetStickiness") is True and not hashed:
        told = "a caller is kept on one subset by a hash, and no key of one is given"
        gaps.error("hash-key", told, leaf, "add loadBalancing.hash")
    return policy


def _warmup(asked: Mapping[str, Any], policy: str, leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    if "warmup" not in asked:
        return {}
    config = _WARMING.get(policy or "RoundRobin")
    if config is None:
        told = f"new endpoints get their full share at once with {policy}: warmup has no effect"
        gaps.warning("leaf-cancelled", told, leaf, f"warmup works with {' and '.join(_WARMING)}")
        return {}
    return {config: {"slow_start_config": {"slow_start_window": length(asked["warmup"], leaf, gaps)}}}


def _common(
    rule: Mapping[str, Any], asked: Mapping[str, Any], home: str, leaf: Leaf | None, gaps: Gaps
) -> dict[str, Any]:
    """Endpoints that fail are called only when somebody asks for it: by itself the proxy does so when more than half
    of them do."""
    locality, native = section(asked, "locality"), dict[str, Any]()
    if locality.get("prefer") == "None" and any(locality.get(name) for name in ("distribute", "failover", "order")):
        told = "no locality is preferred, and yet requests are to go by locality"
        gaps.error("mesh-invalid-value", told, leaf)
    if "outlier" in rule or "healthCheck" in rule:
        native["healthy_panic_threshold"] = {"value": section(rule, "outlier").get("minHealthPercent", 0)}
    if has_shares(locality, home):
        native["locality_weighted_lb_config"] = {}
    return {"common_lb_config": native} if native else {}
