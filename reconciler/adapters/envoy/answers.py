"""Routes that the proxy answers itself: a redirect, a given answer, and the rejection of what no other route took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.rewriting import prefix_replacement
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match

_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
_FIELDS = {"scheme": "scheme_redirect", "host": "host_redirect", "port": "port_redirect", "path": "path_redirect"}
_USELESS = ("rewrite", "timeout", "retries")
#: of the body of an answer, in bytes
_LONGEST = 4096


def answer(route: Route, match: Match, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    """``redirect`` or ``direct_response`` of a route; empty when its requests are forwarded."""
    if route.reject:
        return {"direct_response": {"status": 404}}
    if asked := section(rule, "respond"):
        leaf = leaf_at(route.leaves, "traffic.respond")
        _check_useless(route, leaf, gaps)
        return {"direct_response": _response(asked, leaf, gaps)}
    asked = section(rule, "redirect")
    if not asked.keys() & {*_FIELDS, "prefix", "code"}:
        return {}
    leaf = leaf_at(route.leaves, "traffic.redirect")
    _check_useless(route, leaf, gaps)
    return {"redirect": _redirect(asked, match, leaf, gaps)}


def _response(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    body = str(asked.get("body") or "")
    if len(body.encode()) > _LONGEST:
        gaps.error("mesh-invalid-value", f"the mesh answers with at most {_LONGEST} bytes", leaf)
    return {"status": int(asked["status"]), **({"body": {"inline_string": body}} if body else {})}


def _redirect(asked: Mapping[str, Any], match: Match, leaf: Leaf | None, gaps: Gaps) -> dict[str, Any]:
    native: dict[str, Any] = {name: asked[field] for field, name in _FIELDS.items() if field in asked}
    if "prefix" in asked and (found := prefix_replacement(asked["prefix"], [match.path], leaf, gaps)):
        native["regex_rewrite"] = {"pattern": {"regex": found[0]}, "substitution": found[1]}
    if not native:
        gaps.error("mesh-inexpressible", "a redirect without a new path, host, port or scheme leads to itself", leaf)
    code = asked.get("code", 301)
    if code not in _CODES:
        gaps.error("mesh-invalid-value", f"the mesh redirects with one of {tuple(_CODES)}", leaf)
    return native | {"response_code": _CODES.get(code, "")}


def _check_useless(route: Route, answered: Leaf | None, gaps: Gaps) -> None:
    """A policy that asks for both contradicts itself. What a wider policy says of all requests does not reach these."""
    for name in _USELESS:
        leaf = leaf_at(route.leaves, f"traffic.{name}")
        if leaf is not None and answered is not None and leaf.policy == answered.policy:
            told = f"{leaf.path} has no meaning beside {answered.path}: the request reaches no destination"
            gaps.error("answer-without-destination", told, leaf)
