"""What changes, object by object: per target what is caused; then drift and what waits, folded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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


def caused(review: Review, showing: Showing) -> list[Section]:
    """A folded section per target, what is gravest in it first."""
    return [_target(target, review, showing) for target in review.targets if target.caused]


def _target(target: TargetReview, review: Review, showing: Showing) -> Section:
    numbers = (("+", target.count(Action.CREATE)), ("~", target.count(*UPDATES)), ("-", target.count(Action.PRUNE)))
    words = " ".join(f"{sign}{number}" for sign, number in numbers if number)
    shown = sorted(target.caused, key=_rank)
    items = tuple(_item(one, review, showing, _rank(one)) for one in shown)
    head, tail = folded(f"{target.target.cluster} / {target.target.mesh}", words, showing)
    return Section(head, items, tail)


def _rank(one: Reviewed) -> int:
    """Withheld ones, deletes, changes, creates."""
    if one.change.withheld:
        return 3
    return {Action.PRUNE: 4, Action.REPLACE: 4, Action.UPDATE: 5}.get(one.change.action, 6)


def _item(one: Reviewed, review: Review, showing: Showing, rank: int, where: TargetId | None = None) -> Item:
    suffix = f" on {prose(str(where))}" if where else ""
    lines = [heading(one.change) + suffix, *(f"{line}  " for line in why_withheld(one.change))]
    lines += [f"{prose(cut(one.note, 300))}  "] if one.note else []
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
