"""Keeps our order of routes where the API has its own: a request goes to the rule with the highest condition, not to
the first rule that fits.

Where a later rule would be taken before an earlier one, the earlier gets what both have in common as a condition more:
it ranks at least as high as either. With all of these the rule of the highest condition is the first that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.adapters.standard.conditions import Condition, Unsure, common, outranks

#: how many conditions one object may have in all its rules
MOST = 128


#: 1, -1, 0 or None, as ``conditions.outranks``
Rank = Callable[[Condition, Condition], int | None]


class TooMany(Exception):
    """The order would need more conditions, or more rules in one object, than there may be."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """Conditions by rule, and the pairs of rules of which it cannot be told whether they keep their order."""

    rules: tuple[tuple[Condition, ...], ...]
    unsure: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Ranking:
    rank: Rank
    apart: bool


def in_order(rules: Sequence[Sequence[Condition]], *, apart: bool = False, rank: Rank = outranks) -> Ordered:
    """The rules with the conditions that keep their order. ``apart``: they will not all stand in one object, so that
    their order in it does not decide between equal ranks. ``rank``: of an implementation that has one of its own.
    Raises TooMany."""
    found = [list(dict.fromkeys(conditions)) for conditions in rules]
    unsure: set[tuple[int, int]] = set()
    grown = True
    while grown:
        grown = False
        for first in range(len(found)):
            for second in range(first + 1, len(found)):
                added = _needed(found[first], found[second], _Ranking(rank, apart), (first, second), unsure)
                found[first] += added
                grown = grown or bool(added)
        if sum(map(len, found)) > MOST * (16 if apart else 1):
            raise TooMany
    return Ordered(tuple(map(tuple, _without_doubles(found))), tuple(sorted(unsure)))


def _needed(
    earlier: Sequence[Condition],
    later: Sequence[Condition],
    ranking: _Ranking,
    pair: tuple[int, int],
    unsure: set[tuple[int, int]],
) -> list[Condition]:
    """What the earlier rule lacks to be taken before the later one."""
    outranks, apart = ranking.rank, ranking.apart
    held = {one.same for one in earlier}
    added: list[Condition] = []
    for one in earlier:
        for other in later:
            order = outranks(one, other)
            if order == 1 or (order == 0 and not apart):
                continue
            try:
                both = common(one, other)
            except Unsure:
                unsure.add(pair)
                continue
            if both is None:
                continue
            if outranks(both, other) is None:
                unsure.add(pair)
                continue
            if apart and both.same != other.same and outranks(both, other) == 0:
                raise TooMany  # narrower, and yet of the same rank: only their order in one object could decide
            if both.same in held:
                continue
            held.add(both.same)
            added.append(both)
    return added


def _without_doubles(rules: Sequence[Sequence[Condition]]) -> list[list[Condition]]:
    """Of equal conditions only that of the first rule: the others are never met."""
    seen: set[tuple[object, ...]] = set()
    kept = []
    for conditions in rules:
        kept.append([one for one in conditions if one.same not in seen])
        seen |= {one.same for one in conditions}
    return kept
