"""``prefixRewrite``: what the condition of a route matched of a path is replaced, so each condition has its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.intents import Route


def rewrite(route: Route, rule: Mapping[str, Any], condition: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """The field, for requests of one condition."""
    asked = section(rule, "rewrite")
    leaf = leaf_at(route.leaves, "traffic.rewrite")
    if "path" in asked and "pathExact" not in condition:
        told = "the mesh replaces what a condition matched: a whole path only where an exact one is matched"
        gaps.error("mesh-inexpressible", told, leaf, "match exact paths, or write rewrite.prefix")
        return {}
    if "path" in asked:
        return {"prefixRewrite": str(asked["path"])}
    if "prefix" not in asked:
        return {}
    target = str(asked["prefix"]).rstrip("/")
    if "pathExact" in condition:
        return {"prefixRewrite": target or "/"}
    head = str(condition.get("pathPrefix", "" if "pathRegex" in condition else "/"))
    if not head:
        told = "the mesh replaces a prefix only where a prefix or an exact path is matched"
        gaps.error("mesh-inexpressible", told, leaf)
    return {"prefixRewrite": f"{target}/" if head.endswith("/") else str(asked["prefix"])}
