"""Routes that the proxy answers itself: a redirect, a given answer, and the rejection of what no other route took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf

_REDIRECT = {"path": "uri", "host": "authority", "port": "port", "scheme": "scheme", "code": "redirectCode"}
_REDIRECT_CODES = (301, 302, 303, 307, 308)
_USELESS = ("fault", "rewrite", "timeout", "retries")


def answer(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """``redirect`` or ``directResponse`` of a route; empty when its requests are forwarded."""
    if route.reject:
        return {"directResponse": {"status": 404}}
    if answered := section(rule, "respond"):
        _check_useless(route, leaf_at(route.leaves, "traffic.respond"), gaps)
        body = {"body": {"string": str(answered["body"])}} if answered.get("body") else {}
        return {"directResponse": {"status": int(answered["status"])} | body}
    asked = section(rule, "redirect")
    if not asked.keys() & _REDIRECT.keys():
        return {}
    leaf = leaf_at(route.leaves, "traffic.redirect")
    _check_useless(route, leaf, gaps)
    return {"redirect": _redirect(asked, leaf, gaps)}


def _redirect(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    native = {name: asked[field] for field, name in _REDIRECT.items() if field in asked}
    if native.get("redirectCode", 301) not in _REDIRECT_CODES:
        gaps.error("mesh-invalid-value", f"the mesh redirects with one of {_REDIRECT_CODES}", leaf)
    if not {"uri", "authority", "port", "scheme"} & set(native):
        gaps.error("mesh-inexpressible", "a redirect without a new path, host, port or scheme leads to itself", leaf)
    return native


def _check_useless(route: Route, answered: Leaf | None, gaps: Gaps) -> None:
    """A policy that asks for both contradicts itself. What a wider policy says of all requests does not reach these."""
    for name in _USELESS:
        leaf = leaf_at(route.leaves, f"traffic.{name}")
        if leaf is not None and answered is not None and leaf.policy == answered.policy:
            gaps.error(
                "answer-without-destination",
                f"{leaf.path} has no meaning beside {answered.path}: the request reaches no destination",
                leaf,
            )
