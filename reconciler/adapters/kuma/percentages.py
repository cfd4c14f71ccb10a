"""Percentages, which the mesh takes as a number, or as text where it is not whole."""

from __future__ import annotations

from typing import Any


def percentage(percent: Any) -> int | str:
    """Omitted means 100 here."""
    value = 100.0 if percent is None else float(percent)
    return int(value) if value.is_integer() else f"{value:g}"
