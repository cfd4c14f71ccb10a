"""Lengths of time, as the mesh reads them."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.model.rules import Leaf


def duration(value: Any, leaf: Leaf | None, gaps: Gaps, *, least: int = 1) -> str:
    """The value as it is; a gap when the mesh would refuse it. ``least`` in milliseconds."""
    length = seconds(value)
    if length is None or length * 1000 < least:
        gaps.error("mesh-invalid-value", f"not a duration of at least {least}ms: {value!r}", leaf)
    return str(value)
