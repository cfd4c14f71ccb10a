"""Relative weights as the integers that native objects want."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

#: total above which fractions are rounded rather than scaled: far more than any mesh can tell apart
PRECISION = 1_000_000


def whole(weights: Sequence[float]) -> tuple[int, ...]:
    """Integers in the same proportion. Integers stay as they are; a positive weight never becomes 0."""
    if all(type(weight) is int for weight in weights):
        return tuple(int(weight) for weight in weights)
    exact = [Fraction(str(weight)) for weight in weights]
    scale = lcm(*(weight.denominator for weight in exact)) if exact else 1
    if scale == 1 or sum(exact) * scale <= PRECISION:
        return tuple(int(weight * scale) for weight in exact)
    return _rounded(exact)


def of_parts(parts: Sequence[Fraction]) -> tuple[int, ...]:
    """Parts of a whole as percents, or as hundredths of percents, where those are whole numbers."""
    scale = next((scale for scale in (100, 10_000) if all((part * scale).denominator == 1 for part in parts)), None)
    scale = scale or lcm(*(part.denominator for part in parts))
    return tuple(int(part * scale) for part in parts)


def of_hundred(weights: Sequence[float]) -> tuple[int, ...]:
    """Percents that add up to 100, each positive weight at least 1; for up to 100 of them."""
    found = list(_shares([Fraction(str(weight)) for weight in weights], 100))
    while sum(found) > 100:
        found[found.index(max(found))] -= 1
    return tuple(found)


def percents(weights: Sequence[float]) -> tuple[float, ...]:
    """Percents in steps of a hundredth that add up to 100, each positive weight at least one step; whole ones as
    integers. ValueError where all are 0."""
    exact = [Fraction(str(weight)) for weight in weights]
    if not any(exact):
        raise ValueError("no weight is positive")
    found = list(_shares(exact, 10_000))
    while sum(found) > 10_000:
        found[found.index(max(found))] -= 1
    return tuple(share // 100 if share % 100 == 0 else share / 100 for share in found)


def _rounded(exact: list[Fraction]) -> tuple[int, ...]:
    return _shares(exact, PRECISION)


def _shares(exact: list[Fraction], whole: int) -> tuple[int, ...]:
    """Shares of a whole by largest remainder, each positive one at least 1, even if it then is more than the whole."""
    total = sum(exact)
    shares = [weight * whole / total for weight in exact]
    floors = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (floors[i] - shares[i], i))
    for index in by_remainder[: whole - sum(floors)]:
        floors[index] += 1
    return tuple(max(floor, 1) if weight else 0 for floor, weight in zip(floors, exact, strict=True))
