"""Guards against surprising deletes: too many, too large a share, everything, all of a namespace, protected kinds, what
others have a part in; and against changing too large a share of what is there at once.

They read their limits from the last accepted commit, so a commit cannot lift its own guard. What they withhold
is confirmed by a fingerprint of exactly those changes, which no commit, file or line is part of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.model import canonical
from reconciler.model.plans import Action, Change, Reason
from reconciler.model.refs import KindId, ObjectKey, TargetId
from reconciler.model.settings import Limits

PERCENT_FROM = 5  # objects owned on the target: below that, a share says little
NAMESPACE_FROM = 3  # objects owned in the namespace


@dataclass(frozen=True, slots=True)
class GuardRules:
    limits: Limits
    protect: tuple[KindId, ...]
    confirmed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Guarded:
    """The changes with what guards withhold marked; which guards spoke; the fingerprint that confirms them."""

    changes: tuple[Change, ...]
    guards: tuple[str, ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """Every live object of ours on a target, whether or not it changes. ``copy_of``: what an object is one of several
    copies of. Copies weigh one together: a service that a hundred proxies know is removed once."""

    keys: Collection[ObjectKey]
    copy_of: Callable[[ObjectKey], str] = str

    def weight(self, keys: Iterable[ObjectKey]) -> float:
        copies = Counter(self.copy_of(key) for key in self.keys)
        return sum(1 / (copies[self.copy_of(key)] or 1) for key in keys)

    @property
    def total(self) -> int:
        return len({self.copy_of(key) for key in self.keys})

    def worded(self, count: int, weight: float) -> str:
        return str(count) if weight == count else f"{count} (copies counted once: {weight:.3g})"


def guard(target: TargetId, changes: Sequence[Change], owned: Owned, rules: GuardRules) -> Guarded:
    """What the guards withhold of the changes of a target."""
    removals = [change for change in changes if _removes(change)]
    spoken = _spoken(removals, owned, rules.limits, remaining=_remaining(changes))
    stopped: dict[ObjectKey, tuple[Reason, str]] = {}
    for change in removals:
        if change.key.kind_id in rules.protect and not change.lent:  # of what is lent only our keys go
            stopped[change.key] = (Reason.PROTECTED, f"{change.key.kind} is a protected kind")
        elif change.action is Action.PRUNE and change.foreign_paths:
            stopped[change.key] = (Reason.PROTECTED, _shared(change))
        elif spoken:
            stopped[change.key] = (Reason.GUARD, spoken[0])
    changing = _changing(changes, owned)
    if too_many := _too_many(changing, owned, rules.limits):
        stopped = {change.key: (Reason.GUARD, too_many) for change in changing} | stopped
        spoken = (*spoken, too_many)
    if not stopped:
        return Guarded(tuple(changes))
    fingerprint = confirm_fingerprint(target, [change for change in changes if change.key in stopped])
    guards = tuple(dict.fromkeys([*spoken, *(why for reason, why in stopped.values() if reason is Reason.PROTECTED)]))
    if fingerprint in rules.confirmed:
        return Guarded(tuple(changes), guards)
    return Guarded(tuple(_withhold(change, stopped.get(change.key)) for change in changes), guards, fingerprint)


def confirm_fingerprint(target: TargetId, withheld: Sequence[Change]) -> str:
    """Twelve hex digits over target and (action, kind, namespace, name) of what is withheld there."""
    rows = sorted([str(c.action), str(c.key.kind_id), c.key.namespace, c.key.name] for c in withheld)
    return canonical.digest([str(target), rows])[:12]


def _removes(change: Change) -> bool:
    return change.writes and change.action in (Action.PRUNE, Action.REPLACE)


def _shared(change: Change) -> str:
    said = ", ".join(change.foreign_paths)
    return f"{change.key} has {said} of others, who would lose it; leave it to them by taking our labels off"


def _changing(changes: Sequence[Change], owned: Owned) -> list[Change]:
    """What is written to objects that are ours by now; what is new changes nothing."""
    ours = frozenset(owned.keys)
    return [change for change in changes if change.writes and change.key in ours]


def _too_many(changing: Sequence[Change], owned: Owned, limits: Limits) -> str:
    weight = owned.weight(change.key for change in changing)
    if owned.total < PERCENT_FROM or weight * 100 <= limits.max_changed_percent * owned.total:
        return ""
    shares = f"{owned.worded(len(changing), weight)} of {owned.worded(len(owned.keys), owned.total)}"
    return f"{shares} objects would change, more than limits.maxChangedPercent ({limits.max_changed_percent:g})"


def _remaining(changes: Sequence[Change]) -> int:
    """How many objects are still asked for."""
    return sum(1 for change in changes if change.action is not Action.PRUNE)


def _spoken(removals: Sequence[Change], owned: Owned, limits: Limits, remaining: int) -> tuple[str, ...]:
    prunes = [change for change in removals if change.action is Action.PRUNE]
    weight, total = owned.weight(change.key for change in removals), owned.total
    count, everything = owned.worded(len(removals), weight), owned.worded(len(owned.keys), total)
    words = []
    if prunes and remaining == 0 and total:
        words.append(f"nothing is asked for any more: all {len(owned.keys)} objects would be pruned")
    if weight > limits.max_deletes:
        words.append(f"{count} deletes are more than limits.maxDeletes ({limits.max_deletes})")
    if total >= PERCENT_FROM and weight * 100 > limits.max_delete_percent * total:
        words.append(
            f"{count} of {everything} objects are more than limits.maxDeletePercent ({limits.max_delete_percent:g})"
        )
    words.extend(_emptied_namespaces(prunes, owned.keys))
    return tuple(words)


def _emptied_namespaces(prunes: Sequence[Change], owned: Collection[ObjectKey]) -> list[str]:
    before = Counter(key.namespace for key in owned if key.namespace)
    gone = Counter(change.key.namespace for change in prunes)
    return [
        f"all {count} objects in namespace {namespace} would be pruned"
        for namespace, count in sorted(before.items())
        if count >= NAMESPACE_FROM and gone[namespace] == count
    ]


def _withhold(change: Change, stop: tuple[Reason, str] | None) -> Change:
    return change if stop is None else replace(change, withheld=stop[0], why=stop[1])
