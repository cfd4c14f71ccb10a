"""Matches as entries of an HTTPRouteGroup."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.expressions import path_expression
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.smi.kinds import METHODS
from reconciler.model.selectors import Match, PathKind, PathMatch

Native = dict[str, Any]


def http_matches(match: Match, gaps: Gaps) -> list[Native]:
    """One entry for a match; an empty one where it asks nothing of requests."""
    given = (match.headers, match.query, match.authority, match.scheme, match.sni, match.jwt_claims)
    if any(given):
        gaps.error("mesh-inexpressible", "SMI allows requests by their path and method here, and by nothing else")
    for method in sorted(set(match.methods) - set(METHODS)):
        gaps.error("mesh-inexpressible", f"SMI does not know the method {method!r}", hint=f"known: {METHODS}")
    made: Native = {}
    if match.called:
        made["pathRegex"] = _expression(match.called, gaps)
    if match.methods:
        made["methods"] = sorted(set(match.methods))
    return [made and {"pathRegex": ".*", "methods": ["*"]} | made]


def _expression(path: PathMatch, gaps: Gaps) -> str:
    if path.ignore_case:
        gaps.error("mesh-inexpressible", "SMI cannot ignore case in paths")
    expression = path_expression(path)
    return f"^({expression})$" if path.kind is PathKind.REGEX else f"^{expression}$"
