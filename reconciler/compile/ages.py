"""Established first: of two that contradict each other, the one that has held for longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from reconciler.compile.notes import Notes
from reconciler.model.findings import Position

T = TypeVar("T")


def oldest(
    rivals: Sequence[T],
    place: Callable[[T], Position],
    name: Callable[[T], Any],
    ages: Mapping[Position, int],
    notes: Notes,
) -> tuple[T, str]:
    """The rival that has held longest and the reason, worded. Names decide between equals, and provisionally where
    the age of one is unknown: its place is then noted as a tie."""
    missing = [place(rival) for rival in rivals if place(rival) not in ages]
    if missing:
        notes.tie(missing)
        return min(rivals, key=name), "the first by name, as long as it is not known which is older"
    first = min(rivals, key=lambda rival: (ages[place(rival)], name(rival)))
    several = sum(ages[place(rival)] == ages[place(first)] for rival in rivals) > 1
    return first, "the first by name, both are equally old" if several else "it was there first"
