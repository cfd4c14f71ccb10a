"""``routes[].match`` of a router: the requests that a route is for, as one or several of its conditions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.consul import values
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

Native = dict[str, Any]


def conditions(matches: Iterable[Match], gaps: Gaps) -> list[Native]:
    """What goes into ``match.http``, in order; [{}] for every request."""
    found: list[Native] = []
    for match in matches:
        found += [one for one in _conditions(match, gaps) if one not in found]
    return found or [{}]


def _conditions(match: Match, gaps: Gaps) -> list[Native]:
    _unsayable(match, gaps)
    asked = list(match.headers)
    if match.authority:
        asked.append(ValueMatch(":authority", "exact", match.authority))
    base: Native = {}
    if match.query:
        base["queryParam"] = [values.parameter(one, gaps) for one in match.query]
    if match.methods:
        base["methods"] = sorted(set(match.methods))
    return [
        path | ({"header": header} if header else {}) | base
        for path in values.paths(_called(match), gaps)
        for header in values.headers(asked, gaps)
    ]


def _called(match: Match) -> PathMatch | None:
    """All calls of a gRPC service lie below its name."""
    if match.grpc and match.grpc.service and not match.grpc.method:
        return PathMatch(PathKind.STRING_PREFIX, f"/{match.grpc.service}/")
    return match.called


def _unsayable(match: Match, gaps: Gaps) -> None:
    given = (
        ("their scheme", bool(match.scheme)),
        ("their port: a service of the mesh has one", bool(match.ports)),
        ("the name asked for over TLS", bool(match.sni)),
        ("claims of a token", bool(match.jwt_claims)),
    )
    for what, used in given:
        if used:
            gaps.error("mesh-inexpressible", f"the mesh cannot match requests by {what}")
