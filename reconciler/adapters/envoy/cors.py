"""``CorsPolicy`` of a route: the caller's proxy answers preflights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.envoy.amounts import whole_seconds
from reconciler.adapters.envoy.filters import CORS
from reconciler.adapters.envoy.kinds import typed
from reconciler.adapters.envoy.strings import string_matcher
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.proxy_parts import cors_origin
from reconciler.model.intents import Route

_POLICY = "envoy.extensions.filters.http.cors.v3.CorsPolicy"
_LISTS = {"methods": "allow_methods", "headers": "allow_headers", "expose": "expose_headers"}


def cors(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """By the name of the filter; empty when the rule asks for none."""
    asked = section(rule, "cors")
    if not asked:
        return {}
    leaf = leaf_at(route.leaves, "traffic.cors")
    native: dict[str, Any] = {}
    if origins := asked.get("origins"):
        native["allow_origin_string_match"] = [cors_origin(origin, _match, leaf, gaps) for origin in origins]
    else:
        gaps.warning("leaf-cancelled", "cors has no effect without origins", leaf, "say who may ask in `origins`")
    native |= {name: ",".join(map(str, asked[field])) for field, name in _LISTS.items() if asked.get(field)}
    if "maxAge" in asked:
        native["max_age"] = str(whole_seconds(asked["maxAge"], leaf, gaps))
    if "credentials" in asked:
        native["allow_credentials"] = bool(asked["credentials"])
    return {CORS: typed(_POLICY, **native)}


def _match(kind: str, text: str, ignore_case: bool) -> dict[str, Any]:
    return {**string_matcher(kind, text, ignore_case=ignore_case)}
