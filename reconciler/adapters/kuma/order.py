"""Keeps our order of routes. A request goes to the rule with the highest match: exact paths first, then prefixes and
then expressions, longer ones first, then a method, more headers, more parameters, and last the order in the object
(pkg/plugins/policies/meshhttproute/api/v1alpha1/compare.go). Rules of all objects about one service are one list.

Where this would be another order than ours, every path becomes an expression, and of two the earlier the longer one:
``(?:)`` matches nothing and lengthens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.adapters.expressions import quote
from reconciler.adapters.standard.conditions import EXACT, PREFIX, REGEX, Condition, Unsure, common
from reconciler.model.workload_intents import WorkloadScope

_LONGER = "(?:)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One condition of a route: for which callers, on which ports (none: on all), of which route, and in which object.
    ``strength``: of two equal rules the mesh takes that of the stronger policy."""

    condition: Condition
    scope: WorkloadScope
    ports: frozenset[int | str]
    route: int
    place: object
    strength: tuple[int, int]


def in_order(entries: Sequence[Entry]) -> list[Condition]:
    """The conditions of the entries, most specific first, so that the mesh takes the first that fits."""
    rooted = is_rooted([one.condition for one in entries])
    if all(_keeps(one, other, rooted) for at, one in enumerate(entries) for other in entries[at + 1 :]):
        return [one.condition for one in entries]
    return _lengthened([one.condition for one in entries])


def _keeps(earlier: Entry, later: Entry, rooted: bool) -> bool:
    """Whether the mesh takes the earlier of two where both fit, or both never do."""
    if earlier.route == later.route or _apart(earlier, later):
        return True
    first, second = _rank(earlier.condition, rooted), _rank(later.condition, rooted)
    if first != second:
        return first > second
    if earlier.condition.same == later.condition.same:
        # one rule takes the place of the other
        return earlier.place == later.place or (later.scope.covers(earlier.scope) and earlier.strength > later.strength)
    return earlier.place == later.place


def _apart(one: Entry, other: Entry) -> bool:
    if one.ports and other.ports and not one.ports & other.ports:
        return True
    if one.scope.namespace and other.scope.namespace and one.scope.namespace != other.scope.namespace:
        return True
    theirs = dict(other.scope.labels)
    if any(theirs.get(key, value) != value for key, value in one.scope.labels):
        return True
    try:
        return common(one.condition, other.condition) is None
    except Unsure:
        return False


def is_rooted(conditions: Sequence[Condition]) -> bool:
    """Whether a match of every path may say so by the prefix ``/``, which goes before every expression; else it has no
    path, which comes after."""
    return all(one.kind != REGEX for one in conditions)


def is_pathless(one: Condition) -> bool:
    return (one.kind, one.path) == (PREFIX, "/")


def outranks(one: Condition, other: Condition) -> int:
    """1 where the mesh takes the first whatever their order, -1 the other way, 0 where their order decides. A condition
    without a ``base`` has no path."""
    first, second = _rank(one, bool(one.base)), _rank(other, bool(other.base))
    return (first > second) - (first < second)


def _rank(one: Condition, rooted: bool) -> tuple[int, ...]:
    kinds = {EXACT: 3, PREFIX: 2, REGEX: 1}
    kind = 0 if is_pathless(one) and not rooted else kinds[one.kind]
    length = len(one.path) if kind in (1, 2) else 0
    return (kind, length, int(bool(one.method)), len(one.headers), len(one.query))


def _lengthened(conditions: Sequence[Condition]) -> list[Condition]:
    found: list[Condition] = []
    least = 0
    for one in reversed(conditions):
        path = _expression(one)
        missing = max(0, least + 1 - len(path))
        path += _LONGER * -(-missing // len(_LONGER))
        least = len(path)
        found.append(replace(one, kind=REGEX, path=path))
    return found[::-1]


def _expression(one: Condition) -> str:
    if one.kind == REGEX:
        return one.path
    if one.kind == EXACT:
        return quote(one.path)
    return f"{quote(one.path.rstrip('/'))}(/.*)?"
