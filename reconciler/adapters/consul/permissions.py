"""``permissions[].http``: which requests a permission is about. All conditions of one hold at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.consul import values
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import Match

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
    _check(match, gaps)
    methods = {"methods": sorted(set(match.methods))} if match.methods else {}
    for path in values.paths(values.called(match), gaps):
        for header in values.headers(match.headers, gaps):
            yield path | ({"header": header} if header else {}) | methods


def _check(match: Match, gaps: Gaps) -> None:
    given = (
        ("query parameters", bool(match.query)),
        ("the host that is called", bool(match.authority)),
    )
    ignoring = [one for one in match.headers if one.ignore_case]
    used = [what for what, is_used in given if is_used] + values.unseen(match)
    for what in [*used, *(["headers without regard to case"] if ignoring else [])]:
        gaps.error("mesh-inexpressible", f"the mesh cannot decide access by {what}")
