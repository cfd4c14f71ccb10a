"""Short forms of the neutral API, for importers: what people would write, where that says it all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.importing import Unsayable

_DURATION = re.compile(r"([0-9]+(h|ms|m|s))+")
_PATH = re.compile(r"/[^*\s?#]*")


def request(match: Mapping[str, Any]) -> Any:
    """A match as ``GET /reviews/*``, or as it is."""
    path = match.get("path") or {}
    kind = next(iter(path), "")
    if match.keys() - {"path", "methods"} or len(path) != 1 or kind not in ("exact", "prefix"):
        return match
    text = str(path[kind])
    if not _PATH.fullmatch(text) or (kind == "prefix" and text.endswith("/")):
        return match
    return f"{','.join(match.get('methods') or ['*'])} {text}{'/*' if kind == 'prefix' else ''}"


def duration(text: Any) -> str:
    """A length of time as documents have it, without fractions; Unsayable for one that they cannot say."""
    if isinstance(text, str) and _DURATION.fullmatch(text):
        return text
    length = seconds(text)
    whole = None if length is None else length * 1000
    if whole is None or whole.denominator != 1:
        raise Unsayable(f"{text!r} is not a length of time in whole milliseconds")
    return f"{Fraction(whole, 1000)}s" if whole % 1000 == 0 else f"{whole}ms"
