"""Expressions over a path for a mesh that matches the path with its query.

The agents hand ``path`` to the proxy as an expression over the header ``:path``, which has to match as a whole
(getHTTPRule in pkg/envoy/xds_server.go) and ends with ``?`` and the query. So an expression may not see that.
"""

from __future__ import annotations

import re

from reconciler.adapters.expressions import QUERY, target_expression
from reconciler.model.selectors import PathKind, PathMatch

#: what could mean a question mark in ways that are not looked at
_UNSURE = re.compile(r"\\[SWDPpCxQX0-7]|\[\[|\(\?[a-zA-Z-]*s")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_RANGE = re.compile(r"(.)-(.)", re.DOTALL)


class SeesQuery(Exception):
    """An expression that may match more than a path where a query follows."""


def path_expression(path: PathMatch) -> str:
    """An expression for all requests whose path meets the condition, whatever their query. Raises SeesQuery."""
    return ("(?i)" if path.ignore_case else "") + _expression(path)


def _expression(path: PathMatch) -> str:
    if path.kind is PathKind.REGEX:
        return f"(?:{_without_query(path.value)}){QUERY}"
    return target_expression(path)


def _without_query(expression: str) -> str:
    """The same expression, in which nothing can be a question mark. Raises SeesQuery."""
    if _UNSURE.search(expression):
        raise SeesQuery
    return "".join(_part(token) for token in _TOKEN.findall(expression))


def _part(token: str) -> str:
    if token == ".":
        return "[^?]"
    if token == r"\?":
        raise SeesQuery
    if token.startswith("[^"):
        return f"[^?{token[2:]}" if not token.startswith("[^]") else f"[^]?{token[3:]}"
    if token.startswith("[") and len(token) > 1 and _has_mark(token[1:-1]):
        raise SeesQuery
    return token


def _has_mark(inside: str) -> bool:
    return "?" in inside or any(first <= "?" <= last for first, last in _RANGE.findall(inside))
