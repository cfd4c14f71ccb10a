"""Durations as people write them (``1h2m3s4ms``) and as seconds."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_UNITS = {
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")


def seconds(text: object) -> Fraction | None:
    """The length in seconds, exactly; None when it is not a duration."""
    return _seconds(text) if isinstance(text, str) and text else None


@lru_cache(maxsize=1024)
def _seconds(text: str) -> Fraction | None:
    total, at = Fraction(0), 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            return None
        total += Fraction(part[1]) * _UNITS[part[2]]
        at = part.end()
    return total


def canonical(text: str) -> str:
    """The same length in one spelling (``60s`` and ``1m`` alike); the text itself when it is not a duration."""
    length = seconds(text)
    if length is None:
        return text
    nanoseconds = length * 10**9
    if nanoseconds.denominator != 1:
        return text
    whole, part = divmod(nanoseconds.numerator, 10**9)
    return f"{whole}.{part:09d}".rstrip("0").rstrip(".") + "s"
