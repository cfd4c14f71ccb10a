"""Versions and ranges of them, as ``Mesh.spec.version`` and ``MeshSet.versions`` say them.

    >=1.20 <1.28      all of it holds; a comma may stand between
    1.27.x  1.27      any 1.27
    ~1.27.3           1.27.3 and later ones of 1.27
    ^1.20             1.20 and later ones of 1
    1.27.1            exactly that
    1.26.x || 1.28.x  one of them

A version before its release (1.28.0-rc.1) counts as that release, unless the range names one itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = r"(0|[1-9]\d{0,5})"
_VERSION = re.compile(rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_WILD = r"(0|[1-9]\d{0,5}|[xX*])"
_TERM = re.compile(rf"(>=|<=|>|<|=|~|\^)?\s*v?{_WILD}(?:\.{_WILD})?(?:\.{_WILD})?(?:-([0-9A-Za-z.-]+))?")
#: numbers, then what comes before a release: () for the release itself
Pre = tuple[tuple[int, int, str], ...]
_RELEASED: Pre = ((2, 0, ""),)


@dataclass(frozen=True, slots=True, order=True)
class _Version:
    numbers: tuple[int, int, int]
    before: Pre = _RELEASED


@dataclass(frozen=True, slots=True)
class _Bound:
    """From ``low`` up to ``high``, which is outside (None: no end)."""

    low: _Version
    high: _Version | None
    early: bool  # names a version before a release

    def holds(self, running: _Version) -> bool:
        version = running if self.early else _Version(running.numbers)
        return self.low <= version and (self.high is None or version < self.high)


Range = tuple[tuple[_Bound, ...], ...]


def is_within(running: str, text: str) -> bool | None:
    """Whether a version is in a range; None where the version is not known, or one of the two cannot be read."""
    version, wanted = _read(running), _range(text)
    if version is None or wanted is None:
        return None
    return any(all(bound.holds(version) for bound in bounds) for bounds in wanted)


def is_older(first: str, second: str) -> bool:
    """Whether a version is known to come before another one."""
    one, other = _read(first), _read(second)
    return one is not None and other is not None and one < other


def _range(text: str) -> Range | None:
    found = []
    for part in text.split("||"):
        terms = re.findall(r"(?:>=|<=|>|<|=|~|\^)?\s*[^\s,<>=~^]+", part.strip())
        leftover = re.sub(r"(?:>=|<=|>|<|=|~|\^)?\s*[^\s,<>=~^]+", "", part).strip(" \t,")
        bounds = [_bound(term) for term in terms]
        if leftover or not bounds or None in bounds:
            return None
        found.append(tuple(bound for bound in bounds if bound is not None))
    return tuple(found)


def _bound(term: str) -> _Bound | None:
    match = _TERM.fullmatch(term.strip())
    if match is None:
        return None
    operator, *parts, before = match.groups()
    numbers = _numbers(parts)
    if numbers is None or (before and len(numbers) < 3):
        return None
    low = _Version(_full(numbers), _before(before))
    return _Bound(*_ends(operator or "=", numbers, low), early=bool(before))


def _ends(operator: str, numbers: tuple[int, ...], low: _Version) -> tuple[_Version, _Version | None]:
    zero, after = _Version((0, 0, 0), ()), _after(numbers)
    exact = _Version(low.numbers, (*low.before, (3, 0, ""))) if len(numbers) == 3 else after
    match operator:
        case ">=":
            return low, None
        case ">":
            return exact or zero, None
        case "<":
            return zero, low
        case "<=":
            return zero, exact
        case "~":
            return low, _after(numbers[:2])
        case "^":
            return low, _after(_caret(numbers))
        case _:
            return (low, exact) if numbers else (zero, None)


def _caret(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Up to the first number that is not 0: what must stay."""
    kept = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
    return numbers[: kept + 1]


def _after(numbers: tuple[int, ...]) -> _Version | None:
    """The first version that does not begin with these numbers; None where every one does."""
    return _Version(_full((*numbers[:-1], numbers[-1] + 1))) if numbers else None


def _numbers(parts: list[str | None]) -> tuple[int, ...] | None:
    """Those before the first wildcard; None where a number follows one."""
    known = [part for part in parts if part is not None]
    cut = next((place for place, part in enumerate(known) if not part.isdecimal()), len(known))
    return None if any(part.isdecimal() for part in known[cut:]) else tuple(int(part) for part in known[:cut])


def _full(numbers: tuple[int, ...]) -> tuple[int, int, int]:
    first, second, third = (*numbers, 0, 0, 0)[:3]
    return first, second, third


def _read(text: str) -> _Version | None:
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        return None
    *parts, before = match.groups()
    return _Version(_full(tuple(int(part) for part in parts if part is not None)), _before(before))


def _before(text: str | None) -> Pre:
    """Numbers come before words, and both before the release."""
    if not text:
        return _RELEASED
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in text.split("."))
