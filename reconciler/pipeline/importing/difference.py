"""The first place where two JSON values differ, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.canonical import encode

_LONGEST = 120


def difference(before: Any, after: Any, path: str = "") -> str:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            if key not in before or key not in after:
                word = "is missing" if key in before else "is added"
                return f"{_join(path, key)} {word}"
            if encode(before[key]) != encode(after[key]):
                return difference(before[key], after[key], _join(path, key))
    if isinstance(before, list) and isinstance(after, list) and len(before) != len(after):
        return f"{path or 'it'} had {len(before)} entries, comes back with {len(after)}"
    if isinstance(before, list) and isinstance(after, list):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            if encode(one) != encode(other):
                return difference(one, other, f"{path}[{number}]")
    return f"{path or 'it'} was {_shown(before)}, comes back as {_shown(after)}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    text = encode(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
