"""``permissions[]``: which requests a permission is about, and what it asks of their tokens. All conditions of one hold
at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.consul import values
from reconciler.adapters.consul.tokens import asked_of
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.issuers import warn_unverified
from reconciler.model.intents import AccessIntent
from reconciler.model.selectors import Match

Native = dict[str, Any]
#: every request
ALL: Native = {"pathPrefix": "/"}


@dataclass(frozen=True)
class Asked:
    """Requests of a rule. ``http`` None: all, and connections too; ``tokens``: providers, a token of one of which they
    need."""

    http: Native | None = None
    tokens: tuple[Native, ...] = ()


def requests(access: AccessIntent, all_of: Sequence[AccessIntent], gaps: Gaps) -> list[Asked]:
    """The requests of all matches of a policy; ``all_of``: the policies of its service."""
    warn_unverified(access, all_of, gaps)
    matches = (Match(),) if Match() in access.matches or not access.matches else access.matches
    found: list[Asked] = []
    for match in matches:
        tokens = asked_of(match, access, all_of, gaps)
        if tokens is None and match == Match():
            return [Asked()]
        if tokens == []:  # of nobody whose tokens could be verified
            continue
        found += [one for http in _requests(match, gaps) if (one := Asked(http, tuple(tokens or ()))) not in found]
    return found


def _requests(match: Match, gaps: Gaps) -> Iterable[Native]:
    _check(match, gaps)
    methods = {"methods": sorted(set(match.methods))} if match.methods else {}
    for path in values.paths(values.called(match), gaps):
        for header in values.headers(match.headers, gaps):
            yield (path | ({"header": header} if header else {}) | methods) or ALL


def _check(match: Match, gaps: Gaps) -> None:
    given = (("query parameters", bool(match.query)), ("the host that is called", bool(match.authority)))
    for what in [*(what for what, is_used in given if is_used), *values.unseen(match)]:
        gaps.error("mesh-inexpressible", f"the mesh cannot decide access by {what}")
