"""What an unquoted word of YAML means: the core schema of YAML 1.2, without its surprises.

``yes``, ``on``, ``12:30`` and ``2024-01-31`` are text. A number with a leading zero, which YAML 1.1 and 1.2 and
people read differently, is refused.
"""

from __future__ import annotations

import math
import re
from typing import Any

_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_OTHER_BASE = re.compile(r"[-+]?0(o[0-7]+|x[0-9a-fA-F]+|b[01]+)\Z")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STARTS = frozenset("0123456789+-.")
_LONGEST = 40  # digits of a number that could fit 64 bits, with room for zeros


class AmbiguousScalar(ValueError):
    """An unquoted word that readers of YAML disagree about; the message says what to write."""


def resolve(word: str) -> Any:
    """The value of an unquoted word: None, bool, int, float or str. AmbiguousScalar when it must be quoted."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in _STARTS:
        return word
    if _NUMBER.match(word):
        return _number(word)
    if _OTHER_BASE.match(word):
        raise AmbiguousScalar(f"`{word}` is not a decimal number; quote it, or write it in decimal")
    if _NOT_FINITE.match(word):
        raise AmbiguousScalar(f"`{word}` is not a finite number; quote it if it is text")
    return word


def _number(word: str) -> int | float:
    if _LEADING_ZERO.match(word):
        raise AmbiguousScalar(f"the number `{_short(word)}` has a leading zero; quote it if it is text")
    if _INTEGER.match(word):
        value = int(word) if len(word) <= _LONGEST else 2**64
        if -(2**63) <= value < 2**63:
            return value
        raise AmbiguousScalar(f"the number `{_short(word)}` is too large; quote it if it is text")
    number = float(word)
    if not math.isfinite(number):
        raise AmbiguousScalar(f"the number `{_short(word)}` is too large; quote it if it is text")
    return number


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[:_LONGEST]}..."
