"""Routes of which the first that takes a request counts, as (condition, action) in one order for all of one meaning.

Two neighbours that can take no common request, or do the same, may change places; the list is given in the one order
that all such changes lead to.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Any

from reconciler.adapters.disjoint import Condition, disjoint
from reconciler.model.canonical import encode

Unit = tuple[Condition, dict[str, Any]]


def needed(units: Sequence[Unit]) -> list[Unit]:
    """Without those that do what the last one, which takes everything, does, where none after them does otherwise."""
    kept: list[Unit] = []
    for unit in reversed(units):
        falls = bool(kept) and not kept[0][0] and unit[1] == kept[0][1]
        if not falls or any(_bound(unit, later) for later in kept):
            kept.append(unit)
    return kept[::-1]


def in_one_order(units: Sequence[Unit]) -> list[Unit]:
    """Of those that may come first, always the one whose text is smallest."""
    before = [
        {earlier for earlier in range(later) if _bound(units[earlier], units[later])} for later in range(len(units))
    ]
    texts = [encode(unit) for unit in units]
    ready = [(texts[index], index) for index in range(len(units)) if not before[index]]
    heapify(ready)
    done: list[Unit] = []
    while ready:
        _, index = heappop(ready)
        done.append(units[index])
        for later in range(index + 1, len(units)):
            if index in before[later]:
                before[later].discard(index)
                if not before[later]:
                    heappush(ready, (texts[later], later))
    return done


def _bound(one: Unit, other: Unit) -> bool:
    """Whether it matters which of two comes first."""
    return one[1] != other[1] and not disjoint(one[0], other[0])
