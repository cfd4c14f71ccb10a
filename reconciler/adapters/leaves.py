"""Leaves of a merged rule as one nested mapping, and back from a path to the leaf that said it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.rules import Leaf


def tree(leaves: Iterable[Leaf]) -> dict[str, Any]:
    """``traffic.timeout.request`` "3s" becomes {"timeout": {"request": "3s"}}; a leaf with a key goes one deeper.

    A leaf whose value is a mapping and leaves below it make one mapping.
    """
    found: dict[str, Any] = {}
    for leaf in leaves:
        parts = [*leaf.path.split(".")[1:], *([leaf.key] if leaf.key else [])]
        _put(found, parts, leaf.value)
    return found


def _put(into: dict[str, Any], parts: list[str], value: Any) -> None:
    head, *rest = parts
    if rest:
        below = into.setdefault(head, {})
        if not isinstance(below, dict):
            raise TypeError(f"a value and a field below it under the same path: {head}.{'.'.join(rest)}")
        _put(below, rest, value)
    elif isinstance(value, Mapping):
        below = into.setdefault(head, {})
        for key, item in value.items():
            _put(below, [str(key)], item)
    else:
        into[head] = value


def section(rule: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A mapping inside a rule; empty when it is not there."""
    found = rule.get(name)
    if found is None or type(found) is dict:  # by far the most, and without asking an abstract class
        return found or {}
    return found if isinstance(found, Mapping) else {}


def header_leaf(leaves: Iterable[Leaf], side: str, name: str) -> Leaf | None:
    """The leaf by which a header of requests or responses is changed."""
    below = f"traffic.headers.{side}."
    return next((leaf for leaf in leaves if leaf.key == name and leaf.path.startswith(below)), None)


def leaf_at(leaves: Iterable[Leaf], path: str) -> Leaf | None:
    """The leaf at a path, or the first one below it."""
    below = f"{path}."
    return next((leaf for leaf in leaves if leaf.path == path or leaf.path.startswith(below)), None)
