"""What changes, object by object: per target what is caused; then drift and what waits, folded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reconciler.model.plans import Action
from reconciler.model.refs import TargetId
from reconciler.model.reviews import Review, Reviewed, TargetReview
from reconciler.report.change_markdown import diff_block, heading, why_withheld
from reconciler.report.markdown import code, cut, prose
from reconciler.report.plan_text import SIGNS
from reconciler.report.review.fitting import Item, Section
from reconciler.report.review.folding import folded
from reconciler.report.review.headline import UPDATES
from reconciler.report.review.showing import Showing

DRIFT, WAITING = 7, 8
PLACES = 3
NAMES = 6  # targets that are named before they are counted


def caused(review: Review, showing: Showing) -> list[Section]:
    """A folded section per target, what is gravest in it first; targets in which the same happens have one together."""
    groups: dict[tuple[Item, ...], list[TargetReview]] = {}
    for target in review.targets:
        items = tuple(_item(one, review, showing, _rank(one)) for one in sorted(target.caused, key=_rank))
        if items:
            groups.setdefault(items, []).append(target)
    return [_section(items, targets, showing) for items, targets in groups.items()]


def _section(items: tuple[Item, ...], targets: Sequence[TargetReview], showing: Showing) -> Section:
    first = targets[0]
    numbers = (("+", first.count(Action.CREATE)), ("~", first.count(*UPDATES)), ("-", first.count(Action.PRUNE)))
    words = " ".join(f"{sign}{number}" for sign, number in numbers if number)
    names = [f"{one.target.cluster} / {one.target.mesh}" for one in targets]
    rest = f", the same on {len(names) - NAMES} more" if len(names) > NAMES else ""
    head, tail = folded(", ".join(names[:NAMES]), f"{words}{' each' if len(names) > 1 else ''}{rest}", showing)
    return Section(head, items, tail)


def _rank(one: Reviewed) -> int:
    """Withheld ones, deletes, changes, creates."""
    if one.change.withheld:
        return 3
    return {Action.PRUNE: 4, Action.REPLACE: 4, Action.UPDATE: 5}.get(one.change.action, 6)


def _item(one: Reviewed, review: Review, showing: Showing, rank: int, where: TargetId | None = None) -> Item:
    suffix = f" on {prose(str(where))}" if where else ""
    lines = [heading(one.change) + suffix, *(f"{line}  " for line in why_withheld(one.change))]
    lines += [f"note: {prose(cut(one.note, 300))}  "] if one.note else []
    lines += _places(one, review, showing)
    lines += diff_block(one.change, one.fields, showing.longest)
    brief = f"- {code(SIGNS[one.change.action])} {code(cut(str(one.change.key), 200))}{suffix}"
    return Item("\n".join(lines) + "\n\n", brief + "\n\n", rank)


def _places(one: Reviewed, review: Review, showing: Showing) -> list[str]:
    shown = one.places[: PLACES if showing.limit else None]
    lines = [f"from {showing.place(place, review)} {prose(cut(place.document, 200))}  " for place in shown]
    rest = len(one.places) - len(shown)
    return lines + ([f"and {rest} more documents  "] if rest else [])


def drift(review: Review, showing: Showing) -> Section:
    """What somebody changed outside Git, found now: ``-`` is what lives, ``+`` what it would be put back to."""
    return _all(review, showing, "Drift found now, not caused by this change", lambda target: target.drift, DRIFT)


def waiting(review: Review, showing: Showing) -> Section:
    """What the target branch asks for already."""
    return _all(review, showing, "Asked by the target branch already, not applied yet", lambda t: t.waiting, WAITING)


def _all(
    review: Review, showing: Showing, words: str, which: Callable[[TargetReview], Iterable[Reviewed]], rank: int
) -> Section:
    items = tuple(
        _item(one, review, showing, rank, target.target) for target in review.targets for one in which(target)
    )
    head, tail = folded("", f"{words} ({len(items)})", showing)
    return Section(head, items, tail)
