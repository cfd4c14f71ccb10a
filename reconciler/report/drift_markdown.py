"""The page about drift that is kept in a forge's tracker: what differs from Git now, and who did it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.model.commits import Commit
from reconciler.model.plans import Change, TargetPlan
from reconciler.report.change_markdown import diff_block, heading
from reconciler.report.markdown import code, cut, link, prose
from reconciler.report.review.fitting import Item, Section, fit
from reconciler.report.review.folding import folded
from reconciler.report.review.showing import Showing
from reconciler.report.values import plural

PLACES = 3


def drifted(targets: Sequence[TargetPlan]) -> int:
    return sum(1 for target in targets for change in target.changes if change.drifted)


def drift_title(targets: Sequence[TargetPlan]) -> str:
    """``Mesh drift: 3 objects on 2 targets``; what could not be read is said, too."""
    count = drifted(targets)
    where = sum(1 for target in targets if any(change.drifted for change in target.changes))
    unread = sum(1 for target in targets if target.error)
    told = f"{plural(count, 'object')} on {plural(where, 'target')}" if count else "nothing has drifted"
    return f"Mesh drift: {told}" + (f", {unread} not read" if unread else "")


def drift_markdown(
    mark: str, targets: Sequence[TargetPlan], commit: Commit, at: datetime, showing: Showing | None = None
) -> str:
    """The body; ``mark`` is its first line. Within ``showing.limit`` bytes by whole objects."""
    shown = showing or Showing()
    head = f"{mark}\n{_words(targets)}\n\n"
    tail = (
        f"<sub>Compared with {code(commit.short)} at `{at.isoformat(timespec='seconds')}`. All of it:"
        " `reconciler drift`. To accept what lives, write it into Git or add an `ignore` rule.</sub>\n"
    )
    room = max(1, shown.limit - len((head + tail).encode())) if shown.limit else 0
    unread = Section("", tuple(_unread(target) for target in targets if target.error), "\n")
    return head + fit([unread, *(_section(target, commit, shown) for target in targets)], room).text + tail


def _words(targets: Sequence[TargetPlan]) -> str:
    count = drifted(targets)
    if not count:
        return "Nothing differs from what was last applied."
    return (
        f"{plural(count, 'object differs', 'objects differ')} from what was last applied, and no commit asked for it."
    )


def _unread(target: TargetPlan) -> Item:
    line = f"- {prose(str(target.target))} could not be read: {prose(cut(target.error, 300))}\n"
    return Item(line, line)


def _section(target: TargetPlan, commit: Commit, showing: Showing) -> Section:
    changes = [change for change in target.changes if change.drifted]
    head, tail = folded(f"{target.target.cluster} / {target.target.mesh}", plural(len(changes), "object"), showing)
    return Section(head, tuple(_item(change, commit, showing) for change in changes), tail)


def _item(change: Change, commit: Commit, showing: Showing) -> Item:
    fields = [field for field in change.fields if field.drift] or list(change.fields)
    places = [
        link(f"{one.position.path}:{one.position.line}", showing.link(commit.sha, one.position.path, one.position.line))
        for one in change.origins[:PLACES]
        if one.position.path
    ]
    lines = [heading(change), *(f"from {place}  " for place in places), *diff_block(change, fields, showing.longest)]
    return Item("\n".join(lines) + "\n\n", f"- {code(cut(str(change.key), 200))}\n")
