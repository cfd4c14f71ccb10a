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
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf

_POLICY = "envoy.extensions.filters.http.cors.v3.CorsPolicy"
_LISTS = {"methods": "allow_methods", "headers": "allow_headers", "expose": "expose_headers"}
_MATCHES = ("exact", "prefix", "suffix", "regex")


def cors(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """By the name of the filter; empty when the rule asks for none."""
    asked = section(rule, "cors")
    if not asked:
        return {}
    leaf = leaf_at(route.leaves, "traffic.cors")
    native: dict[str, Any] = {}
    if origins := asked.get("origins"):
        native["allow_origin_string_match"] = [_origin(origin, leaf, gaps) for origin in origins]
    else:
        gaps.warning("leaf-cancelled", "cors has no effect without origins", leaf, "say who may ask in `origins`")
    native |= {name: ",".join(map(str, asked[field])) for field, name in _LISTS.items() if asked.get(field)}
    if "maxAge" in asked:
        native["max_age"] = str(whole_seconds(asked["maxAge"], leaf, gaps))
    if "credentials" in asked:
        native["allow_credentials"] = bool(asked["credentials"])
    return {CORS: typed(_POLICY, **native)}


def _origin(origin: Any, leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    if isinstance(origin, str):
        return {"exact": origin}
    said = [kind for kind in _MATCHES if kind in origin]
    if len(said) != 1:
        gaps.error("mesh-invalid-value", f"an origin is matched in one way of {', '.join(_MATCHES)}", leaf)
        return {}
    return string_matcher(said[0], str(origin[said[0]]), ignore_case=bool(origin.get("ignoreCase")))
