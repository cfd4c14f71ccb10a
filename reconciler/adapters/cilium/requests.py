"""Which requests, as ``toPorts[].rules.http`` of CiliumNetworkPolicy. Fields of a rule are expressions that have to
match the whole value (pkg/policy/api/http.go); rules are alternatives, and can allow only. The name in a TLS handshake
is a condition of connections, ``toPorts[].serverNames``, and not beside these (rule_validation.go)."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.cilium.expressions import SeesQuery, path_expression
from reconciler.adapters.expressions import quote
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.versions import before
from reconciler.model.intents import MeshIntent
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

HttpRule = dict[str, Any]
#: since when names in a handshake may begin with stars
_STARS = "1.19"


def http_rules(match: Match, gaps: Gaps) -> list[HttpRule]:
    """The rules of a match, one for each method; empty where it asks nothing of requests."""
    _tell_lacks(match, gaps)
    rule: HttpRule = {}
    if match.called and not _is_every(match.called):
        rule["path"] = _path(match.called, gaps)
    if match.authority:
        rule["host"] = quote(match.authority)
    if match.headers:
        rule["headerMatches"] = [_header(one, gaps) for one in match.headers]
    if match.methods:
        return [{"method": quote(method)} | rule for method in sorted(set(match.methods))]
    return [rule] if rule else []


def server_names(match: Match, intent: MeshIntent, gaps: Gaps) -> list[str]:
    """The names of a TLS handshake that a match takes; what ends so, at any depth, begins with two stars."""
    if any(name.startswith("*") for name in match.sni) and before(_STARS, intent):
        gaps.error("mesh-too-old", f"the agents know no names with a star before {_STARS}", hint="write names in full")
    return [f"*{name}" if name.startswith("*.") else name for name in map(str.lower, match.sni)]


def _is_every(path: PathMatch) -> bool:
    return path.kind in (PathKind.PREFIX, PathKind.STRING_PREFIX) and path.value in ("", "/")


def _tell_lacks(match: Match, gaps: Gaps) -> None:
    given = (
        ("query parameter", bool(match.query)),
        ("scheme", bool(match.scheme)),
        ("claims of a token", bool(match.jwt_claims)),
    )
    for what, used in given:
        if used:
            gaps.error("mesh-inexpressible", f"access by {what} is not something that the mesh knows")


def _path(path: PathMatch, gaps: Gaps) -> str:
    try:
        return path_expression(path)
    except SeesQuery:
        told = f"the mesh matches a path with its query, and {path.value!r} may match a part of that"
        gaps.error("mesh-inexpressible", told, hint="write it without classes that hold a question mark")
        return ""


def _header(header: ValueMatch, gaps: Gaps) -> dict[str, str]:
    if header.kind not in ("exact", "present") or header.invert or header.ignore_case:
        told = f"access by header {header.name!r} can ask that it is there or has one value"
        gaps.error("mesh-inexpressible", told)
    if header.kind == "exact" and not header.value:
        gaps.error("mesh-inexpressible", f"the mesh cannot ask that header {header.name!r} is empty")
    return {"name": header.name} | ({"value": header.value} if header.kind == "exact" else {})
