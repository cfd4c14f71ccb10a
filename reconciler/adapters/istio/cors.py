"""``http[].corsPolicy``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.istio.strings import string_match
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf

_LISTS = {"methods": "allowMethods", "headers": "allowHeaders", "expose": "exposeHeaders"}
_MATCHES = ("exact", "prefix", "suffix", "regex")


def cors(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """The CORS policy of a route, empty when its rule asks for none."""
    asked = section(rule, "cors")
    leaf = leaf_at(route.leaves, "traffic.cors")
    native: dict[str, Any] = {}
    if asked.get("origins"):
        native["allowOrigins"] = [_origin(origin, leaf, gaps) for origin in asked["origins"]]
    for field, name in _LISTS.items():
        if asked.get(field):
            native[name] = [str(item) for item in asked[field]]
    if "maxAge" in asked:
        native["maxAge"] = duration(asked["maxAge"], leaf, gaps)
    if "credentials" in asked:
        native["allowCredentials"] = bool(asked["credentials"])
    return {"corsPolicy": native} if native else {}


def _origin(origin: Any, leaf: Leaf | None, gaps: Gaps) -> dict[str, str]:
    if isinstance(origin, str):
        return {"exact": origin}
    said = [kind for kind in _MATCHES if kind in origin]
    if len(said) != 1:
        gaps.error("mesh-invalid-value", f"an origin is matched in one way of {', '.join(_MATCHES)}", leaf)
        return {}
    return string_match(said[0], str(origin[said[0]]), ignore_case=bool(origin.get("ignoreCase")))
