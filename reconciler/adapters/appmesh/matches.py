"""Neutral matches as matches of routes, each of which has one path and one method.

A prefix by elements is two of them: the path itself, and what begins with it and a slash, since the mesh compares
prefixes as text (route-path of the App Mesh user guide). Expressions are those of the proxy, and cover the whole value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.adapters.expressions import path_expression, value_expression
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
#: most headers, or query parameters, of a match; longest value and name (the definitions of VirtualRouter)
MOST = 10
LONGEST = 255
LONGEST_NAME = 50
EVERY: dict[str, Any] = {"prefix": "/"}
Native = dict[str, Any]


def matches(asked: Iterable[Match], gaps: Gaps) -> list[Native]:
    """The matches of a route; the one of every request where nothing is asked."""
    return [native for match in asked for native in _of(match, gaps)] or [EVERY]


def _of(match: Match, gaps: Gaps) -> Iterator[Native]:
    _unsayable(match, gaps)
    rest: Native = {}
    if headers := [_header(one, gaps) for one in match.headers]:
        rest["headers"] = _few(headers, "headers", gaps)
    if query := [_parameter(one, gaps) for one in match.query]:
        rest["queryParameters"] = _few(query, "query parameters", gaps)
    for method in set(match.methods) - set(METHODS):
        gaps.error("mesh-inexpressible", f"the mesh cannot match the method {method!r}", hint=f"known: {METHODS}")
    for method in match.methods or ("",):
        for path in _paths(match.called, gaps):
            yield path | ({"method": method} if method else {}) | rest


def _unsayable(match: Match, gaps: Gaps) -> None:
    given = (
        ("the scheme", match.scheme),
        ("the host", match.authority),
        ("the name asked for over TLS", match.sni),
        ("claims of a token", match.jwt_claims),
    )
    for what, used in given:
        if used:
            gaps.error("mesh-inexpressible", f"requests cannot be matched by {what} here")


def _paths(path: PathMatch | None, gaps: Gaps) -> list[Native]:
    if path is None:
        return [EVERY]
    if not path.value.startswith("/") and path.kind in (PathKind.EXACT, PathKind.PREFIX, PathKind.STRING_PREFIX):
        gaps.error("mesh-invalid-value", f"a path begins with /: {path.value!r}")
    if path.ignore_case or path.kind in (PathKind.REGEX, PathKind.SUFFIX):
        expression = ("(?i)" if path.ignore_case else "") + path_expression(path)
        return [{"path": {"regex": _sized(expression, gaps)}}]
    value = _sized(path.value, gaps)
    if path.kind is PathKind.EXACT:
        return [{"path": {"exact": value}}]
    if path.kind is PathKind.STRING_PREFIX:
        return [{"prefix": value}]
    whole = value.rstrip("/")
    return [{"path": {"exact": whole}}, {"prefix": f"{whole}/"}] if whole else [EVERY]


def _header(one: ValueMatch, gaps: Gaps) -> Native:
    if one.invert:
        gaps.error("mesh-inexpressible", "that a header is absent or different is not written by this adapter")
    if not one.name or len(one.name) > LONGEST_NAME:
        told = f"the mesh takes names of headers of up to {LONGEST_NAME} characters: {one.name!r}"
        gaps.error("mesh-invalid-value", told)
    name = {"name": one.name.lower()}
    if one.kind == "present":
        return name
    if not one.ignore_case:
        return name | {"match": {one.kind: _sized(one.value, gaps)}}
    return name | {"match": {"regex": _sized(f"(?i){value_expression(one.kind, one.value)}", gaps)}}


def _parameter(one: ValueMatch, gaps: Gaps) -> Native:
    if one.kind != "exact" or one.invert or one.ignore_case:
        gaps.error("mesh-inexpressible", "the mesh compares query parameters with exact values only")
    return {"name": one.name, "match": {"exact": one.value}}


def _sized(value: str, gaps: Gaps) -> str:
    if not 0 < len(value) <= LONGEST:
        gaps.error("mesh-invalid-value", f"the mesh takes values of 1 to {LONGEST} characters: {value!r}")
    return value


def _few(given: list[Native], what: str, gaps: Gaps) -> list[Native]:
    if len(given) > MOST:
        gaps.error("mesh-inexpressible", f"the mesh takes at most {MOST} {what} in one match")
    return sorted(given, key=lambda one: str(one["name"]))
