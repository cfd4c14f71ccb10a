"""``StringMatcher``."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.expressions import quote


def string_matcher(kind: str, value: str, *, ignore_case: bool = False) -> dict[str, Any]:
    """exact, prefix, suffix or regex; a regex always matches the whole value."""
    if kind == "regex":
        return {"safe_regex": {"regex": f"(?i){value}" if ignore_case else value}}
    if kind not in ("exact", "prefix", "suffix"):
        raise ValueError(f"not a kind of match: {kind}")
    return {kind: value, **({"ignore_case": True} if ignore_case else {})}


def one_of(values: tuple[str, ...]) -> dict[str, Any]:
    if len(values) == 1:
        return {"exact": values[0]}
    return {"safe_regex": {"regex": "|".join(quote(value) for value in sorted(set(values)))}}
