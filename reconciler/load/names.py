"""Hints: the nearest known name to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MANY = 12


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean x?``, else the known names when they are few, else ""."""
    names = sorted(set(known))
    lowered = {name.lower(): name for name in reversed(names)}
    found = get_close_matches(word[:100].lower(), lowered, 1, 0.6)
    if found:
        return f"did you mean `{lowered[found[0]]}`?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _MANY else ""
