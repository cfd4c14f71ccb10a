"""Limits of requests where they arrive: counted by each proxy for itself, or by a service for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters import proxy_parts
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.proxy_patches import Native, length, share, typed
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.istio.servers import grpc_service
from reconciler.adapters.proxy_parts import COUNTED_APART, token_bucket
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

_LOCAL = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_GLOBAL = "envoy.extensions.filters.http.ratelimit.v3.RateLimit"


def local_limit(asked: Mapping[str, Any], leaf: Leaf, gaps: Gaps) -> Native:
    """The filter's configuration. Without ``per`` all requests of the policy share one bucket."""
    bucket = token_bucket(asked, leaf, gaps)
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
        "max_dynamic_descriptors": COUNTED_APART,
    }
    return typed(_LOCAL, config)


def global_limit(asked: Mapping[str, Any], stage: int, leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Native:
    """The filter's configuration; what it counts are the limits of the same stage at the virtual host."""
    config = proxy_parts.global_limit(asked, stage, grpc_service(str(asked["server"]), leaf, intent, gaps))
    if "timeout" in asked:
        config["timeout"] = length(duration(asked["timeout"], leaf, gaps))
    return typed(_GLOBAL, config)
