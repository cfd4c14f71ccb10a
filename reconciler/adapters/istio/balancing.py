"""``trafficPolicy.loadBalancer``: a simple policy or a consistent hash, never both; localities, and a slow start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import DESTINATION_RULE
from reconciler.adapters.istio.locality import locality_setting
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.istio.rule_fields import BALANCERS
from reconciler.adapters.leaves import section
from reconciler.adapters.served import has_field
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

_HASHING = ("RingHash", "Maglev")
_WARMING = ("LeastRequest", "RoundRobin")
_KEYS = ("header", "cookie", "sourceIp", "query")


def load_balancer(asked: Mapping[str, Any], leaf: Leaf | None, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """The native settings, empty when nothing that we carry is asked."""
    setting = locality_setting(section(asked, "locality"), leaf, gaps)
    located = {"localityLbSetting": setting} if setting else {}
    return _algorithm(asked, leaf, gaps) | located | _warmup(asked, leaf, intent, gaps)


def _warmup(asked: Mapping[str, Any], leaf: Leaf | None, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    if "warmup" not in asked:
        return {}
    if asked.get("policy", "LeastRequest") not in _WARMING:
        told = f"new endpoints get their full share at once with {asked['policy']}: warmup has no effect"
        gaps.warning("leaf-cancelled", told, leaf, f"warmup works with {' and '.join(_WARMING)}")
    length = duration(asked["warmup"], leaf, gaps)
    if has_field(DESTINATION_RULE, "spec.trafficPolicy.loadBalancer.warmup", intent.cluster.crds):
        return {"warmup": {"duration": length}}
    return {"warmupDurationSecs": length}


def _algorithm(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    """A hash without a policy is RingHash."""
    policy = asked.get("policy")
    hashed = {key: value for key, value in section(asked, "hash").items() if key in _KEYS and value is not False}
    if policy is None and not hashed:
        return {}
    if policy in BALANCERS and not hashed:
        return {"simple": BALANCERS[policy]}
    if policy in BALANCERS:
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
