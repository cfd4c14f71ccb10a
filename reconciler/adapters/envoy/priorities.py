"""Allows that win over a Deny: it is about everybody but those whom they take, for what they take.

What is called and who calls are asked apart in a rule, and an exception is about both at once; there it is said of who
calls, of whom as much can be asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.envoy.conditions import Permission
from reconciler.adapters.envoy.principals import Principal
from reconciler.adapters.gaps import Gaps

#: who is taken, and for what; alternatives each
Taking = tuple[list[Principal], list[Permission]]
_GROUPS = {"and_rules": "and_ids", "or_rules": "or_ids"}


def winning(allows: Iterable[Taking], gaps: Gaps) -> list[Principal]:
    """What is taken by one of them."""
    return [
        _all_of([_any_of(callers), _any_of([_as_caller(call, gaps) for call in calls])])
        for callers, calls in allows
        if callers and calls
    ]


def unless(excepted: list[Principal], callers: list[Principal]) -> list[Principal]:
    return [_all_of([one, {"not_id": _any_of(excepted)}]) for one in callers] if excepted else callers


def _as_caller(call: Permission, gaps: Gaps) -> Principal:
    """The same condition, asked of the caller."""
    ((kind, value),) = call.items()
    if kind in _GROUPS:
        group: Any = [_as_caller(one, gaps) for one in value["rules"]]
        return {_GROUPS[kind]: {"ids": group}}
    if kind == "not_rule":
        return {"not_id": _as_caller(value, gaps)}
    if kind == "requested_server_name":
        gaps.error("mesh-inexpressible", "an Allow by the name that is asked for over TLS cannot win over a Deny")
    return dict(call)


def _all_of(parts: list[Principal]) -> Principal:
    return {"and_ids": {"ids": parts}}


def _any_of(parts: list[Principal]) -> Principal:
    return parts[0] if len(parts) == 1 else {"or_ids": {"ids": parts}}
