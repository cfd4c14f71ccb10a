"""Matches as entries of an HTTPRouteGroup.

Source: servicemeshinterface/smi-sdk-go, pkg/apis/specs/v1alpha4/helpers.go (headers are a list of maps with one entry
each, all of which must hold); openservicemesh/osm, pkg/envoy/rds/route/route_config.go (expressions for whole values).
"""

from __future__ import annotations

from typing import Any

from reconciler.adapters.expressions import path_expression, value_expression
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.smi.kinds import METHODS
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

Native = dict[str, Any]
#: products take it for the host of the request
_HOST = "host"


def http_matches(match: Match, gaps: Gaps) -> list[Native]:
    """One entry for a match; an empty one where it asks nothing of requests."""
    given = (match.query, match.authority, match.scheme, match.sni, match.jwt_claims)
    if any(given):
        gaps.error("mesh-inexpressible", "SMI allows requests by their path, method and headers, and by nothing else")
    for method in sorted(set(match.methods) - set(METHODS)):
        gaps.error("mesh-inexpressible", f"SMI does not know the method {method!r}", hint=f"known: {METHODS}")
    made: Native = {}
    if match.called:
        made["pathRegex"] = _expression(match.called, gaps)
    if match.methods:
        made["methods"] = sorted(set(match.methods))
    if match.headers:
        made["headers"] = [{one.name: _value(one, gaps)} for one in match.headers]
    if len({one.name.lower() for one in match.headers}) < len(match.headers):
        gaps.error("mesh-inexpressible", "SMI has one condition for each header")
    return [made and {"pathRegex": ".*", "methods": ["*"]} | made]


def _value(header: ValueMatch, gaps: Gaps) -> str:
    if header.invert or header.ignore_case:
        gaps.error("mesh-inexpressible", "SMI cannot ask that a header is different, nor ignore case")
    if header.name.lower() == _HOST:
        gaps.error("mesh-inexpressible", "SMI knows nothing of hosts")
    if header.kind == "present":
        return ".*"
    expression = value_expression(header.kind, header.value)
    return f"^({expression})$" if header.kind == "regex" else f"^{expression}$"


def _expression(path: PathMatch, gaps: Gaps) -> str:
    if path.ignore_case:
        gaps.error("mesh-inexpressible", "SMI cannot ignore case in paths")
    expression = path_expression(path)
    return f"^({expression})$" if path.kind is PathKind.REGEX else f"^{expression}$"
