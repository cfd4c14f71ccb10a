"""One entry of ``matches[]``: what it asks of a request, how high it ranks, and what two of them have in common.

The rank is the one of the API: the path, then the method, then the number of headers, then of query parameters; where
a regular expression of a path stands is left to each implementation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

EXACT = "Exact"
PREFIX = "PathPrefix"
REGEX = "RegularExpression"
ANYTHING = ".*"
#: what Python reads in another way than RE2, and so cannot decide
_UNDECIDED = re.compile(r"\[\[|\\[pPQEzC]|\(\?(?!i\))")

#: name, type, value
Value = tuple[str, str, str]


class Unsure(Exception):
    """It cannot be told what two conditions have in common."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``base``: the path that the rule itself named, where it was narrowed to what it has in common with another."""

    kind: str = PREFIX
    path: str = "/"
    method: str = ""
    headers: tuple[Value, ...] = ()
    query: tuple[Value, ...] = ()
    grpc: tuple[str, str] | None = None
    base: str = "/"

    @property
    def native(self) -> dict[str, Any]:
        return (_grpc(self.grpc) if self.grpc is not None else self._http()) | (
            {"headers": [_value(item) for item in self.headers]} if self.headers else {}
        )

    def _http(self) -> dict[str, Any]:
        found: dict[str, Any] = {"path": {"type": self.kind, "value": self.path}}
        found |= {"method": self.method} if self.method else {}
        return found | ({"queryParams": [_value(item) for item in self.query]} if self.query else {})

    @property
    def same(self) -> tuple[object, ...]:
        """What two conditions share that ask the same."""
        return (self.kind, self.path, self.method, self.headers, self.query, self.grpc)


def _grpc(called: tuple[str, str]) -> dict[str, Any]:
    service, method = called
    asked = {"type": EXACT} | ({"service": service} if service else {}) | ({"method": method} if method else {})
    return {"method": asked} if service or method else {}


def _value(item: Value) -> dict[str, str]:
    name, kind, value = item
    return {"type": kind, "name": name, "value": value}


def outranks(one: Condition, other: Condition) -> int | None:
    """1 where the first goes before the second whatever their order, -1 where it goes after it, 0 where their order
    decides; None where each implementation has its own way."""
    if REGEX in (one.kind, other.kind) and (one.kind, one.path) != (other.kind, other.path):
        return None
    first, second = _rank(one), _rank(other)
    return (first > second) - (first < second)


def _rank(one: Condition) -> tuple[int, ...]:
    if one.grpc is not None:
        return (len(one.grpc[0]), len(one.grpc[1]), len(one.headers))
    # a prefix counts without the slash at its end, which means nothing
    size = 0 if one.kind == EXACT else len(one.path.rstrip("/"))
    return (int(one.kind == EXACT), size, int(bool(one.method)), len(one.headers), len(one.query))


def common(one: Condition, other: Condition) -> Condition | None:
    """What meets both, with the base of the first; None when nothing does. Raises Unsure."""
    if one.method and other.method and one.method != other.method:
        return None
    headers, query = _both(one.headers, other.headers), _both(one.query, other.query)
    if headers is None or query is None:
        return None
    if (one.grpc is None) != (other.grpc is None):
        raise Unsure
    called = _calls(one.grpc, other.grpc) if one.grpc is not None and other.grpc is not None else None
    if one.grpc is not None and called is None:
        return None
    path = _paths(one, other)
    if path is None:
        return None
    kind, value = path
    return replace(
        one, kind=kind, path=value, method=one.method or other.method, headers=headers, query=query, grpc=called
    )


def _calls(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str] | None:
    for mine, its in zip(one, other, strict=True):
        if mine and its and mine != its:
            return None
    return (one[0] or other[0], one[1] or other[1])


def _paths(one: Condition, other: Condition) -> tuple[str, str] | None:
    mine, its = (one.kind, one.path), (other.kind, other.path)
    if mine == its or its == (PREFIX, "/"):
        return mine
    if mine == (PREFIX, "/"):
        return its
    if REGEX in (one.kind, other.kind):
        return _with_expression(mine, its)
    if one.kind == EXACT and other.kind == EXACT:
        return None
    (_, wide), (kind, narrow) = (its, mine) if one.kind == EXACT else (mine, its)
    if one.kind == other.kind and len(one.path) > len(other.path):
        (_, wide), (kind, narrow) = its, mine
    return (kind, narrow) if f"{narrow}/".startswith(f"{wide.rstrip('/')}/") else None


def _with_expression(mine: tuple[str, str], its: tuple[str, str]) -> tuple[str, str] | None:
    expression, (kind, value) = (mine[1], its) if mine[0] == REGEX else (its[1], mine)
    if kind != EXACT:
        raise Unsure
    return (EXACT, value) if _meets(expression, value) else None


def _both(one: tuple[Value, ...], other: tuple[Value, ...]) -> tuple[Value, ...] | None:
    """The conditions of both on headers or query parameters, of which each name stands once."""
    found = {name: (kind, value) for name, kind, value in one}
    for name, kind, value in other:
        held = found.setdefault(name, (kind, value))
        both = _of_one(held, (kind, value))
        if both is None:
            return None
        found[name] = both
    return tuple(sorted((name, kind, value) for name, (kind, value) in found.items()))


def _of_one(one: tuple[str, str], other: tuple[str, str]) -> tuple[str, str] | None:
    if one == other or other == (REGEX, ANYTHING):
        return one
    if one == (REGEX, ANYTHING):
        return other
    if one[0] == EXACT and other[0] == EXACT:
        return None
    if one[0] == REGEX and other[0] == REGEX:
        raise Unsure
    expression, value = (one[1], other[1]) if one[0] == REGEX else (other[1], one[1])
    return (EXACT, value) if _meets(expression, value) else None


def _meets(expression: str, value: str) -> bool:
    if _UNDECIDED.search(expression):
        raise Unsure
    try:
        return re.fullmatch(expression, value) is not None
    except re.error:
        raise Unsure from None
