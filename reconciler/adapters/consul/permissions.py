"""``permissions[].http``: which requests a permission is about. All conditions of one hold at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.consul import values
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import Match, PathKind, PathMatch

Native = dict[str, Any]
#: every request
ALL: Native = {"pathPrefix": "/"}


def requests(matches: Iterable[Match], gaps: Gaps) -> list[Native] | None:
    """The requests of all matches; None for every one, be it a request or a connection."""
    known = list(matches)
    if not known or any(match == Match() for match in known):
        return None
    found: list[Native] = []
    for match in known:
        found += [one for one in _requests(match, gaps) if one not in found]
    return found


def _requests(match: Match, gaps: Gaps) -> Iterable[Native]:
    _unsayable(match, gaps)
    methods = {"methods": sorted(set(match.methods))} if match.methods else {}
    for path in values.paths(_called(match), gaps):
        for header in values.headers(match.headers, gaps):
            yield path | ({"header": header} if header else {}) | methods


def _called(match: Match) -> PathMatch | None:
    if match.grpc and match.grpc.service and not match.grpc.method:
        return PathMatch(PathKind.STRING_PREFIX, f"/{match.grpc.service}/")
    return match.called


def _unsayable(match: Match, gaps: Gaps) -> None:
    given = (
        ("query parameters", bool(match.query)),
        ("the host that is called", bool(match.authority)),
        ("their scheme", bool(match.scheme)),
        ("their port: a service of the mesh has one", bool(match.ports)),
        ("the name asked for over TLS", bool(match.sni)),
        ("claims of a token", bool(match.jwt_claims)),
        ("headers without regard to case", any(one.ignore_case for one in match.headers)),
    )
    for what, used in given:
        if used:
            gaps.error("mesh-inexpressible", f"the mesh cannot decide access by {what}")
