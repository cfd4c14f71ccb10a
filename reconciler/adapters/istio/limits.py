"""Limits of requests where they arrive: counted by each proxy for itself, or by a service for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from reconciler.adapters.durations import canonical
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.proxy_patches import Native, length, share, typed
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.istio.servers import grpc_service
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

_LOCAL = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_GLOBAL = "envoy.extensions.filters.http.ratelimit.v3.RateLimit"
_UNITS = {"Second": 1, "Minute": 60, "Hour": 3600, "Day": 86400}
_SHORTEST = Fraction(1, 20)  # between two refills of a bucket
#: how many values of a header are counted apart at one time; the proxies' own 20 would be forgotten at once
_VALUES = 10_000


def local_limit(asked: Mapping[str, Any], leaf: Leaf, gaps: Gaps) -> Native:
    """The filter's configuration. Without ``per`` all requests of the policy share one bucket."""
    bucket = _bucket(asked, leaf, gaps)
    config: Native = {
        "stat_prefix": "http_local_rate_limiter",
        "token_bucket": bucket,
        "filter_enabled": {"runtime_key": "local_rate_limit_enabled", **share(100)},
        "filter_enforced": {"runtime_key": "local_rate_limit_enforced", **share(100)},
    }
    per = asked.get("per", "Route")
    if per == "Route" and "header" not in asked:
        return typed(_LOCAL, config)
    if per != "Header" or "header" not in asked:
        gaps.error("mesh-inexpressible", "requests are counted together, or by the value of one header", leaf)
    name = str(asked.get("header", "")).lower()
    config |= {
        "rate_limits": [{"actions": [{"request_headers": {"header_name": name, "descriptor_key": name}}]}],
        "descriptors": [{"entries": [{"key": name}], "token_bucket": bucket}],
        "always_consume_default_token_bucket": False,
        "max_dynamic_descriptors": _VALUES,
    }
    return typed(_LOCAL, config)


def _bucket(asked: Mapping[str, Any], leaf: Leaf, gaps: Gaps) -> Native:
    """As many tokens as may come at once; where these are fewer than a unit's, they are refilled more often."""
    requests, unit = int(asked["requests"]), Fraction(_UNITS[asked["unit"]])
    burst = int(asked.get("burst", requests))
    fill, interval = requests, unit
    if burst < requests:
        fill, interval = burst, unit * burst / requests
    if interval < _SHORTEST:
        gaps.error("mesh-invalid-value", f"{requests} a {asked['unit']} need a burst of more than {burst}", leaf)
    return {"max_tokens": burst, "tokens_per_fill": fill, "fill_interval": _spelled(interval)}


def _spelled(interval: Fraction) -> str:
    nanoseconds = round(interval * 10**9)
    return canonical(f"{nanoseconds}ns")


def global_limit(asked: Mapping[str, Any], stage: int, leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Native:
    """The filter's configuration; what it counts are the limits of the same stage at the virtual host."""
    config: Native = {
        "domain": str(asked["domain"]),
        "stage": stage,
        "failure_mode_deny": asked.get("failOpen") is False,
        "rate_limit_service": {
            "grpc_service": grpc_service(str(asked["server"]), leaf, intent, gaps),
            "transport_api_version": "V3",
        },
    }
    if "timeout" in asked:
        config["timeout"] = length(duration(asked["timeout"], leaf, gaps))
    return typed(_GLOBAL, config)


def descriptors(asked: Mapping[str, Any], stage: int) -> list[Native]:
    """What is counted, by the entries that the service looks up."""
    return [{"stage": stage, "actions": [_action(entry) for entry in one["entries"]]} for one in asked["descriptors"]]


def _action(entry: Mapping[str, Any]) -> Native:
    if "header" in entry:
        return {"request_headers": {"header_name": str(entry["header"]).lower(), "descriptor_key": str(entry["key"])}}
    return {"generic_key": {"descriptor_key": str(entry["key"]), "descriptor_value": str(entry["value"])}}
