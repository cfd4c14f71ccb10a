"""Istio's StringMatch."""

from __future__ import annotations

from reconciler.adapters.expressions import value_expression


def string_match(kind: str, value: str, *, ignore_case: bool = False) -> dict[str, str]:
    """exact, prefix, suffix, regex or present ({}) as a StringMatch. What it cannot say itself becomes a regex,
    which always matches the whole value."""
    if kind == "present":
        return {}
    if kind in ("exact", "prefix") and not ignore_case:
        return {kind: value}
    return {"regex": ("(?i)" if ignore_case else "") + value_expression(kind, value)}
