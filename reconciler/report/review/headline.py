"""The beginning of a report: what would change in numbers, and a row for each cluster and mesh."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.plans import Action
from reconciler.model.reviews import Review, TargetReview
from reconciler.report.markdown import cut, listed, prose
from reconciler.report.review.fitting import Item, Section
from reconciler.report.values import plural

UPDATES = (Action.UPDATE, Action.REPLACE)


def counts(review: Review) -> str:
    """``4 to create, 2 to update, 1 to delete, 1 drifted``."""
    if review.plan is None:
        return "no plan can be made"
    parts = [
        (review.caused(Action.CREATE), "to create"),
        (review.caused(*UPDATES), "to update"),
        (review.caused(Action.PRUNE), "to delete"),
    ]
    told = [f"{count} {words}" for count, words in parts if count] or ["nothing changes"]
    waiting = sum(len(target.waiting) for target in review.targets)
    told += [f"{review.drifted} drifted"] if review.drifted else []
    told += [f"{waiting} not applied yet"] if waiting else []
    return ", ".join(told)


def title(review: Review) -> str:
    """The heading, and what was looked at."""
    clusters = {target.target.cluster for target in review.targets}
    meshes = plural(len(review.targets), "mesh", "meshes")
    where = f"{plural(len(clusters), 'cluster')}, {meshes}" if review.targets else ""
    return f"## Mesh plan: {f'{where} - ' if where else ''}{counts(review)}\n\n{_seen(review)}\n\n"


def _seen(review: Review) -> str:
    if review.plan is None:
        return "Nothing was compared."
    if review.live:
        unread = sorted({target.target.cluster for target in review.targets if target.error})
        but = f", except {listed(unread, 5)}, which are told as between the two commits" if unread else ""
        return f"Compared with what lives: the clusters were read{but}."
    return (
        "Compared between the two commits: **no cluster was read**, so drift is not known, and neither is what of the"
        f" target branch is not applied yet. What the clusters are is taken from {prose(review.facts)}."
    )


def table(review: Review) -> Section:
    """A row for each cluster and mesh; those in which something happens are shown first when there is little room."""
    head = "| cluster | mesh | create | update | delete | drift | not applied yet | withheld |\n"
    head += "|---|---|--:|--:|--:|--:|--:|--:|\n"
    return Section(head, tuple(_rows(review)), "\n", lambda number: f"| …and {number} more | | | | | | | |\n")


def _rows(review: Review) -> Iterator[Item]:
    for target in review.targets:
        row = _row(target, review.live) + "\n"
        yield Item(row, row, 1 if target.caused or target.drift or target.error else 9)


def _row(target: TargetReview, live: bool) -> str:
    numbers = [target.count(Action.CREATE), target.count(*UPDATES), target.count(Action.PRUNE)]
    cells = [str(number or "") for number in numbers]
    read = live and not target.error
    cells += [str(len(found) or "") if read else "?" for found in (target.drift, target.waiting)]
    name = prose(cut(target.target.cluster, 100)) + (" (not read)" if target.error else "")
    return f"| {name} | {prose(cut(target.target.mesh, 100))} | {' | '.join(cells)} | {_withheld(target)} |"


def _withheld(target: TargetReview) -> str:
    """How many, or the mode where that alone keeps all of it."""
    if target.withheld and target.mode == "Report":
        return "mode Report"
    return str(target.withheld or "")
