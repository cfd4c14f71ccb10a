"""``http[].corsPolicy``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.istio.strings import string_match
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.proxy_parts import cors_origin
from reconciler.model.intents import Route

_LISTS = {"methods": "allowMethods", "headers": "allowHeaders", "expose": "exposeHeaders"}


def cors(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """The CORS policy of a route, empty when its rule asks for none."""
    asked = section(rule, "cors")
    leaf = leaf_at(route.leaves, "traffic.cors")
    native: dict[str, Any] = {}
    if asked.get("origins"):
        native["allowOrigins"] = [cors_origin(origin, _match, leaf, gaps) for origin in asked["origins"]]
    for field, name in _LISTS.items():
        if asked.get(field):
            native[name] = [str(item) for item in asked[field]]
    if "maxAge" in asked:
        native["maxAge"] = duration(asked["maxAge"], leaf, gaps)
    if "credentials" in asked:
        native["allowCredentials"] = bool(asked["credentials"])
    return {"corsPolicy": native} if native else {}


def _match(kind: str, text: str, ignore_case: bool) -> dict[str, Any]:
    return {**string_match(kind, text, ignore_case=ignore_case)}
