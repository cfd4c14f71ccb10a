"""Lengths of time, numbers and shares of a hundred, as protobuf JSON has them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from reconciler.adapters.durations import canonical, seconds
from reconciler.adapters.gaps import Gaps
from reconciler.model.rules import Leaf

#: the shortest length of which anything is made
SHORTEST = Fraction(1, 1000)
#: of a number of 32 bits: as good as no limit
UNLIMITED = 2**32 - 1


def length(value: Any, leaf: Leaf | None, gaps: Gaps, shortest: Fraction = SHORTEST) -> str:
    """In seconds, ``0.250s``."""
    found = seconds(value)
    if found is None or found < shortest:
        gaps.error("mesh-invalid-value", f"not a duration of at least {float(shortest):g}s: {value!r}", leaf)
        return "0s"
    return canonical(str(value))


def whole_seconds(value: Any, leaf: Leaf | None, gaps: Gaps) -> int:
    found = seconds(value)
    if found is None or found.denominator != 1 or found < 1:
        gaps.error("mesh-invalid-value", f"the mesh takes whole seconds here, not {value!r}", leaf)
        return 0
    return int(found)


def whole(field: str, value: Any, leaf: Leaf | None, gaps: Gaps) -> int:
    if isinstance(value, float) and not value.is_integer():
        gaps.error("mesh-invalid-value", f"the mesh takes whole numbers for {field}, not {value}", leaf)
    return int(value)
