"""Which of two conditions a proxy takes: the longer matched part of the path, then a method, then more headers, then
more parameters. Unlike Gateway API it does not put an exact path before a prefix of the same length; and a regular
expression counts as long as the path itself, since it has to match all of it.

Source: linkerd2-proxy, linkerd/http/route/src/http/match.rs and match/path.rs.
"""

from __future__ import annotations

import re

from reconciler.adapters.standard.conditions import EXACT, REGEX, Condition

_FLAGS = "(?i)"
_ALTERNATIVES = re.compile(r"(?<!\\)\|")


def outranks(one: Condition, other: Condition) -> int | None:
    """1 where the first is taken before the second whatever their order, -1 the other way, 0 where their order decides;
    None where it depends on the request."""
    rest = _compare(_rest(one), _rest(other))
    if one.kind == REGEX or other.kind == REGEX:
        return _with_expression(one, other, rest)
    return _compare(_length(one), _length(other)) or rest


def _with_expression(one: Condition, other: Condition, rest: int) -> int | None:
    """Two that match the same path are as long, but a prefix may be shorter."""
    if EXACT in (one.kind, other.kind) or one.kind == other.kind:
        return rest
    longer = 1 if one.kind == REGEX else -1
    expression, prefix = (one, other) if one.kind == REGEX else (other, one)
    if rest == longer or not _may_be(expression.path, prefix.path):
        return longer
    return None


def _may_be(expression: str, path: str) -> bool:
    """Whether an expression may match just what a prefix says; True where that cannot be told."""
    try:
        return re.fullmatch(expression, path) is not None
    except re.error:
        return True


def _length(one: Condition) -> int:
    return len(one.path) if one.kind == EXACT else len(one.path.rstrip("/")) or 1


def _rest(one: Condition) -> tuple[int, int, int]:
    return (int(bool(one.method)), len(one.headers), len(one.query))


def _compare(mine: int | tuple[int, ...], its: int | tuple[int, ...]) -> int:
    return (mine > its) - (mine < its)  # type: ignore[operator]


def anchored(expression: str) -> str:
    """An expression that finds all of a value where any of its alternatives does: the proxy takes the first of them
    that fits somewhere, and then asks whether that was everything."""
    if not _ALTERNATIVES.search(expression):
        return expression
    flags = _FLAGS if expression.startswith(_FLAGS) else ""
    return f"{flags}^(?:{expression.removeprefix(_FLAGS)})$"
