"""Which rules hold for which requests, where the mesh takes one route for each request: that of the condition that
ranks highest. So what several rules have in common becomes a condition of its own, with all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.adapters.linkerd.order import outranks
from reconciler.adapters.standard.conditions import Condition, Unsure, common

#: conditions of one Server at most
MOST = 512


class Undecided(Exception):
    """It cannot be said which rules hold for some requests; the message says why."""


def covered(rules: Mapping[str, Sequence[Condition]], rest: Condition) -> dict[Condition, frozenset[str]]:
    """Conditions with the names of all rules that hold for what they take. Every request meets one with just its rules,
    which ranks above all others that it meets; what no rule is about meets the ``rest``. Raises Undecided."""
    said = {one.same: one for conditions in ((rest,), *rules.values()) for one in conditions}
    known = list(said.values())
    for one in known:  # grows while it is walked through
        for other in known[: known.index(one)]:
            both = _common(one, other, rules)
            if both is not None and both.same not in said:
                said[both.same] = both
                known.append(both)
        if len(known) > MOST:
            raise Undecided(f"they have more than {MOST} conditions in common")
    found = {one: frozenset(name for name, asked in rules.items() if _is_in(one, asked)) for one in known}
    _check(found)
    return found


def _common(one: Condition, other: Condition, rules: Mapping[str, Sequence[Condition]]) -> Condition | None:
    try:
        return common(one, other)
    except Unsure as problem:
        if _whose(one, rules) == _whose(other, rules):
            return None  # whichever of the two is taken, the same rules hold
        raise Undecided("what a regular expression and another path have in common cannot be told") from problem


def _whose(one: Condition, rules: Mapping[str, Sequence[Condition]]) -> frozenset[str]:
    return frozenset(name for name, asked in rules.items() if _is_in(one, asked))


def _is_in(narrow: Condition, asked: Sequence[Condition]) -> bool:
    return any(within(narrow, wide) for wide in asked)


def within(narrow: Condition, wide: Condition) -> bool:
    """Whether all that meets the one meets the other; False where that cannot be told."""
    try:
        both = common(narrow, wide)
    except Unsure:
        return False
    return both is not None and both.same == narrow.same


def _check(found: Mapping[Condition, frozenset[str]]) -> None:
    for one, its in found.items():
        for other, others in found.items():
            if its != others and within(one, other) and one.same != other.same and outranks(one, other) != 1:
                raise Undecided(
                    f"requests for {one.path} meet the conditions of several rules, and the mesh ranks these alike"
                )
