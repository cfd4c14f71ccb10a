"""The permissions of a caller, in an order in which the first that fits a request decides as all rules together would.

Whether its token will do is asked of a request after that: where it will not, the request is refused, whatever a later
permission allows. So what needs no token goes first, and where two that need different ones may fit one request it
cannot be said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from reconciler.adapters.consul.permissions import ALL, Asked
from reconciler.adapters.disjoint import disjoint
from reconciler.adapters.gaps import Gaps

Native = dict[str, Any]
ALLOW, DENY = "allow", "deny"
_PATHS = {"pathExact": "exact", "pathPrefix": "prefix", "pathRegex": "regex"}


@dataclass(frozen=True)
class Decision:
    """What a rule says of some requests."""

    priority: int
    action: str
    asked: Asked


def decided(decisions: Iterable[Decision], rest: str, gaps: Gaps) -> tuple[list[Native], str]:
    """The permissions, and what becomes of requests that none of them fits; ``rest`` where no rule is about all."""
    found: list[Native] = []
    for one in sorted(decisions, key=_order):
        if one.asked.http is None:
            rest = one.action
            break
        _add(one, found)
    while found and found[-1]["action"] == rest:
        found.pop()
    _check_tokens([*found, {"action": rest, "http": ALL}], gaps)
    return found, rest


def _order(one: Decision) -> tuple[int, bool, bool]:
    """A refusal goes first, unless what is allowed has a higher priority."""
    return (-one.priority, one.action == ALLOW, bool(one.asked.tokens))


def _add(one: Decision, found: list[Native]) -> None:
    """Of the same requests with other tokens, too, any of them will do."""
    tokens = list(one.asked.tokens)
    allowed = takewhile(lambda before: before["action"] == ALLOW, reversed(found))
    same = next((before for before in allowed if before["http"] == one.asked.http and "jwt" in before), None)
    if one.action == ALLOW and tokens and same is not None:
        known = same["jwt"]["providers"]
        known += [token for token in tokens if token not in known]
    else:
        jwt = {"jwt": {"providers": tokens}} if tokens else {}
        found.append({"action": one.action, "http": one.asked.http} | jwt)


def _check_tokens(permissions: Sequence[Native], gaps: Gaps) -> None:
    for number, first in enumerate(permissions):
        for later in permissions[number + 1 :] if "jwt" in first else ():
            allowed = later["action"] == ALLOW and later.get("jwt") != first["jwt"]
            if allowed and _may_meet(first["http"], later["http"]):
                told = (
                    "policies allow the same requests with different tokens, and the mesh asks for those of one policy"
                )
                gaps.error(
                    "mesh-inexpressible", told, hint="match different requests in them, or the same ones exactly"
                )


def _may_meet(one: Native, other: Native) -> bool:
    """Whether a request may fit both; False only where it is certain that none does."""
    return not disjoint(_condition(one), _condition(other))


def _condition(http: Native) -> Native:
    uri = {kind: http[field] for field, kind in _PATHS.items() if field in http}
    return ({"uri": uri} if uri else {}) | ({"method": http["methods"]} if "methods" in http else {})
