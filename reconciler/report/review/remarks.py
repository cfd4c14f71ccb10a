"""Findings of this change, and what meshes do otherwise than asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.model.findings import Finding, Severity
from reconciler.model.refs import TargetId
from reconciler.model.reviews import Place, Review
from reconciler.report.markdown import code, cut, prose
from reconciler.report.paint import plain
from reconciler.report.review.fitting import Item, Section
from reconciler.report.review.folding import folded
from reconciler.report.review.showing import Showing, on
from reconciler.report.verdicts_text import verdict_lines

_RANK = {Severity.ERROR: 0, Severity.WARNING: 2, Severity.INFO: 8}
LONGEST = 600


def findings(review: Review, showing: Showing) -> Section:
    """Those that the target branch does not have; how many it has is told beside. Several targets have one together."""
    groups: dict[Finding, list[TargetId]] = {}
    for one in review.findings:
        groups.setdefault(replace(one, target=None), []).extend([one.target] if one.target else [])
    items = tuple(_finding(one, targets, review, showing) for one, targets in groups.items())
    before = f", and {len(review.earlier)} that the target branch has too" if review.earlier else ""
    head, tail = folded("", f"Findings: {len(items)} new{before}", showing)
    return Section(head, items, tail)


def _finding(finding: Finding, targets: Sequence[TargetId], review: Review, showing: Showing) -> Item:
    position = finding.position
    place = Place(position.path, position.line, review.head.sha)
    at = f"{showing.place(place, review)} " if position.path else ""
    where = f"{on(targets)} " if targets else ""
    hint = f" ({prose(cut(finding.hint, LONGEST))})" if finding.hint else ""
    head = f"- **{finding.severity}** {at}{where}{code(finding.code)} "
    line = f"{head}{prose(cut(finding.message, LONGEST if showing.limit else 100_000))}{hint}\n"
    return Item(line, f"{head}{prose(cut(finding.message, 80))}\n", _RANK[finding.severity])


def verdicts(review: Review, showing: Showing) -> Section:
    """Refused, left out, emulated: each with the targets that it is so on."""
    groups: dict[str, list[TargetId]] = {}
    for target in review.targets:
        for line in verdict_lines(review.verdicts, target.target, plain):
            groups.setdefault(" ".join(line.strip().removeprefix("! ").split()), []).append(target.target)
    longest = LONGEST if showing.limit else 100_000
    items = tuple(
        Item(f"- {on(targets)}: {prose(cut(text, longest))}\n", f"- {on(targets)}: {prose(cut(text, 80))}\n", 9)
        for text, targets in groups.items()
    )
    head, tail = folded("", f"What meshes refuse, leave out, or do by other means ({len(items)})", showing)
    return Section(head, items, tail)
