"""Istio's StringMatch."""

from __future__ import annotations

from reconciler.adapters.expressions import quote


def string_match(kind: str, value: str, *, ignore_case: bool = False) -> dict[str, str]:
    """exact, prefix, suffix, regex or present ({}) as a StringMatch. What it cannot say itself becomes a regex,
    which always matches the whole value."""
    if kind == "present":
        return {}
    if kind in ("exact", "prefix") and not ignore_case:
        return {kind: value}
    return {"regex": ("(?i)" if ignore_case else "") + _expression(kind, value)}


def _expression(kind: str, value: str) -> str:
    match kind:
        case "exact":
            return quote(value)
        case "prefix":
            return f"{quote(value)}.*"
        case "suffix":
            return f".*{quote(value)}"
        case "regex":
            return value
        case _:
            raise ValueError(f"not a kind of match: {kind}")
