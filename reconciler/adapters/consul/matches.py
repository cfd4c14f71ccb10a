"""``routes[].match`` of a router: the requests that a route is for, as one or several of its conditions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.consul import values
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import Match, ValueMatch

Native = dict[str, Any]


def conditions(matches: Iterable[Match], gaps: Gaps) -> list[Native]:
    """What goes into ``match.http``, in order; [{}] for every request."""
    found: list[Native] = []
    for match in matches:
        found += [one for one in _conditions(match, gaps) if one not in found]
    return found or [{}]


def _conditions(match: Match, gaps: Gaps) -> list[Native]:
    _check(match, gaps)
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
        for path in values.paths(values.called(match), gaps)
        for header in values.headers(asked, gaps)
    ]


def _check(match: Match, gaps: Gaps) -> None:
    for what in [*values.unseen(match), *(["claims of a token"] if match.jwt_claims else [])]:
        gaps.error("mesh-inexpressible", f"the mesh cannot match requests by {what}")
