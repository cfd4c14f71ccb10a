"""What to look at first: alerts as a list, the gravest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.refs import TargetId
from reconciler.model.reviews import Alert, AlertKind, Review
from reconciler.report.markdown import cut, listed, prose
from reconciler.report.review.fitting import Item, Section
from reconciler.report.review.showing import Showing, on

#: what stops or removes something is graver than what is left as it is
GRAVE = frozenset(
    {
        AlertKind.ERROR, AlertKind.UNREAD, AlertKind.REJECTED, AlertKind.GUARD, AlertKind.DELETE, AlertKind.REPLACE,
        AlertKind.LAST_ROUTE, AlertKind.CUT_OFF,
    }
)  # fmt: skip
WORDS = {
    AlertKind.ERROR: "error",
    AlertKind.UNREAD: "not read",
    AlertKind.REJECTED: "rejected",
    AlertKind.GUARD: "guard",
    AlertKind.DELETE: "delete",
    AlertKind.REPLACE: "replace",
    AlertKind.LAST_ROUTE: "last route",
    AlertKind.CUT_OFF: "callers cut off",
    AlertKind.LEFT_ALONE: "left alone",
    AlertKind.REFUSED: "refused",
    AlertKind.CONFLICT: "conflict",
    AlertKind.WITHHELD: "withheld",
}
FEW, SOME = 5, 3  # objects and places that are told before they are counted
LONGEST = 600


def warnings(review: Review, showing: Showing) -> Section:
    """What is the same on several targets is told once."""
    groups: dict[Alert, list[TargetId]] = {}
    for alert in review.alerts:
        groups.setdefault(replace(alert, target=None), []).extend([alert.target] if alert.target else [])
    items = tuple(
        Item(_line(alert, targets, review, showing), _short(alert, targets), 0 if alert.kind in GRAVE else 2)
        for alert, targets in groups.items()
    )
    return Section("### Look at these first\n\n", items, "\n")


def _line(alert: Alert, targets: Sequence[TargetId], review: Review, showing: Showing) -> str:
    most = FEW if showing.limit else len(alert.items)
    parts = [_head(alert, targets), prose(cut(alert.text, LONGEST))]
    parts += [f": {listed(alert.items, most)}"] if alert.items else []
    places = [showing.place(place, review) for place in alert.places[: SOME if showing.limit else None]]
    rest = len(alert.places) - len(places)
    parts += [f" ({', '.join(places)}{f' and {rest} more' if rest else ''})"] if places else []
    parts += [f"<br>{prose(cut(alert.hint, LONGEST))}"] if alert.hint and showing.folds else []
    parts += [f" - {prose(cut(alert.hint, LONGEST))}"] if alert.hint and not showing.folds else []
    return "".join(parts) + "\n"


def _short(alert: Alert, targets: Sequence[TargetId]) -> str:
    return f"{_head(alert, targets)}{prose(cut(alert.text, 120))}\n"


def _head(alert: Alert, targets: Sequence[TargetId]) -> str:
    return f"- **{WORDS[alert.kind]}**{f' {on(targets)}' if targets else ''}: "
