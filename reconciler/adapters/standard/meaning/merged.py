"""Rules of one or several objects that a mesh ranks by their conditions, as what they say together.

Where the conditions do not tell which of two takes a request, it is the order in their object, or the objects' age.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from reconciler.adapters.standard.conditions import Condition, Unsure, Value, common
from reconciler.model.canonical import encode
from reconciler.model.refs import ObjectKey

#: the type of a path that is not asked for
ANY = "Any"
#: of two conditions: 1 where the first is taken whatever their order, -1 the other way, 0 where their order decides,
#: None where it depends on the request
Outranks = Callable[[Condition, Condition], int | None]


@dataclass(frozen=True, slots=True)
class Unit:
    """A condition of an object and what is done there; ``callers``: of the namespace whose calls it is for;
    ``place``: within its object."""

    key: ObjectKey
    when: Mapping[str, Any]
    then: Any
    place: int
    callers: str = ""

    @property
    def said(self) -> dict[str, Any]:
        return {"when": self.when, "then": self.then} | ({"callers": self.callers} if self.callers else {})


def table(units: Iterable[Unit], outranks: Outranks) -> dict[str, Any]:
    """All that is said, and of which two it matters which one comes first."""
    given = sorted(_needed(units, outranks), key=lambda one: (one.key, one.place))
    rules = {encode(one.said): one.said for one in given}
    order = {encode(pair) for one, other in combinations(given, 2) for pair in _pair(one, other, outranks)}
    return {"rules": [rules[text] for text in sorted(rules)]} | ({"order": sorted(order)} if order else {})


def _needed(units: Iterable[Unit], outranks: Outranks) -> list[Unit]:
    """Without those whose requests another one takes in just the same way."""
    kept = sorted(units, key=lambda one: (encode(one.said), one.key))
    for one in list(kept):
        others = [other for other in kept if other is not one]
        if any(_stands_in(wide, one, others, outranks) for wide in others):
            kept = others
    return kept


def _stands_in(wide: Unit, narrow: Unit, others: Iterable[Unit], outranks: Outranks) -> bool:
    """Whether nothing that does something else would come between the two."""
    if (wide.callers, encode(wide.then)) != (narrow.callers, encode(narrow.then)):
        return False
    mine, its = condition(narrow.when), condition(wide.when)
    try:
        both = common(mine, its)
        if both is None or both.same != mine.same or mine.same == its.same:
            return False
        between = [condition(one.when) for one in others if encode(one.then) != encode(narrow.then)]
        return all(common(mine, one) is None or outranks(its, one) == 1 or outranks(one, mine) == 1 for one in between)
    except Unsure:
        return False


def _pair(one: Unit, other: Unit, outranks: Outranks) -> Iterable[Any]:
    if encode(one.then) == encode(other.then) or not _open(condition(one.when), condition(other.when), outranks):
        return
    if one.callers and other.callers and one.callers != other.callers:
        return
    if one.key == other.key:
        yield {"first": one.said, "second": other.said}
    else:
        yield {"older": sorted(([str(each.key), each.said] for each in (one, other)), key=encode)}


def _open(one: Condition, other: Condition, outranks: Outranks) -> bool:
    """Whether a request may fit both, and they themselves do not say which of them takes it."""
    try:
        if common(one, other) is None:
            return False
    except Unsure:
        pass
    return outranks(one, other) in (0, None)


def condition(when: Mapping[str, Any]) -> Condition:
    """Of a unit. One of any path has no ``base``, where a mesh ranks it otherwise than the prefix of all paths."""
    path, method = when["path"], str(when.get("method", ""))
    headers, query = _values(when["headers"]), _values(when["query"])
    if path["type"] == ANY:
        return Condition(method=method, headers=headers, query=query, base="")
    return Condition(path["type"], str(path["value"]), method, headers, query)


def _values(given: Mapping[str, Any]) -> tuple[Value, ...]:
    return tuple((name, str(kind), str(value)) for name, (kind, value) in sorted(given.items()))
