"""Whether two conditions on requests can be met by one.

A condition is a mapping: ``uri`` with ``exact``, ``prefix`` (by characters) or ``regex``, and ``ignoreUriCase``;
``method``, a list; ``headers``, ``withoutHeaders`` and ``queryParams`` by name; ``authority``, ``scheme``, ``port``,
``sourceNamespace``, ``sourceLabels``. What is not known to tell two apart does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Condition = dict[str, Any]


def disjoint(one: Condition, other: Condition) -> bool:
    """Whether it is certain that no request meets both."""
    return (
        _uris_disjoint(one, other)
        or _methods_disjoint(one.get("method"), other.get("method"))
        or any(_differ(one.get(field), other.get(field)) for field in ("port", "sourceNamespace"))
        or any(_exact_differ(one.get(field), other.get(field)) for field in ("authority", "scheme"))
        or _labels_disjoint(one.get("sourceLabels"), other.get("sourceLabels"))
        or any(_maps_disjoint(one.get(field), other.get(field)) for field in ("headers", "queryParams"))
        or _present_and_absent(one, other)
        or _present_and_absent(other, one)
    )


def _differ(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one != other


def _exact_differ(one: Any, other: Any) -> bool:
    both = [match.get("exact") for match in (one, other) if isinstance(match, Mapping)]
    return len(both) == 2 and None not in both and both[0] != both[1]


def _methods_disjoint(one: Any, other: Any) -> bool:
    return isinstance(one, list) and isinstance(other, list) and not set(one) & set(other)


def _labels_disjoint(one: Any, other: Any) -> bool:
    return bool(one and other) and any(_differ(one.get(key), other.get(key)) for key in one)


def _maps_disjoint(one: Any, other: Any) -> bool:
    return bool(one and other) and any(_exact_differ(one.get(key), other.get(key)) for key in one)


def _present_and_absent(one: Condition, other: Condition) -> bool:
    """A header that one wants, in whatever way, and that must not be there at all for the other."""
    unwanted = other.get("withoutHeaders") or {}
    return any(unwanted.get(name) == {} for name in one.get("headers") or {} if name in unwanted)


def _uris_disjoint(one: Condition, other: Condition) -> bool:
    """Where one of them takes any case, both are compared in lower case."""
    ignore = bool(one.get("ignoreUriCase") or other.get("ignoreUriCase"))
    mine, yours = _uri(one, ignore), _uri(other, ignore)
    if "exact" in mine and "exact" in yours:
        return mine["exact"] != yours["exact"]
    if "prefix" in mine and "prefix" in yours:
        return not (mine["prefix"].startswith(yours["prefix"]) or yours["prefix"].startswith(mine["prefix"]))
    exact, prefix = (mine, yours) if "exact" in mine else (yours, mine)
    return "exact" in exact and "prefix" in prefix and not exact["exact"].startswith(prefix["prefix"])


def _uri(one: Condition, ignore: bool) -> dict[str, str]:
    given = one.get("uri")
    found = {kind: str(value) for kind, value in given.items()} if isinstance(given, Mapping) else {}
    return {kind: value.lower() for kind, value in found.items()} if ignore else found
