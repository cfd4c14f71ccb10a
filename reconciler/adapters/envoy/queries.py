"""Conditions on query parameters. What a parameter must not be is asked of the whole path, since the proxy has no
such question of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.envoy.strings import string_matcher
from reconciler.adapters.expressions import quote
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import ValueMatch

Conditions = list[dict[str, Any]]
#: up to a parameter, and what follows it
_BEFORE, _AFTER = r"[^?]*\?(?:.*&)?", "(?:&.*)?"


def query_conditions(query: Iterable[ValueMatch], gaps: Gaps) -> tuple[Conditions, Conditions]:
    """``query_parameters``, and ``headers`` that say the same of the path."""
    named, unnamed = Conditions(), Conditions()
    for one in query:
        if one.kind in ("prefix", "suffix", "regex") and not one.value:
            gaps.error("mesh-invalid-value", f"an empty {one.kind} of query parameter {one.name!r}")
        if one.invert:
            unnamed.append(_absent(one, gaps))
        elif one.kind == "present":
            named.append({"name": one.name, "present_match": True})
        else:
            value = string_matcher(one.kind, one.value, ignore_case=one.ignore_case)
            named.append({"name": one.name, "string_match": value})
    return named, unnamed


def _absent(one: ValueMatch, gaps: Gaps) -> dict[str, Any]:
    """No parameter of this name has this value."""
    if one.kind == "regex":
        told = f"the mesh cannot ask that query parameter {one.name!r} does not match an expression"
        gaps.error("mesh-inexpressible", told)
    case = "(?i:" if one.ignore_case else "(?:"
    expression = f"{_BEFORE}{quote(one.name)}{_value(one, case)}{_AFTER}"
    return {"name": ":path", "string_match": {"safe_regex": {"regex": expression}}, "invert_match": True}


def _value(one: ValueMatch, case: str) -> str:
    text = f"{case}{quote(one.value)})"
    match one.kind:
        case "present":
            return "(?:=[^&]*)?"
        case "prefix":
            return f"={text}[^&]*"
        case "suffix":
            return f"=[^&]*{text}"
        case _:
            return f"={text}"
