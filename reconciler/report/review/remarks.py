"""Findings of this change, and what meshes do otherwise than asked."""

from __future__ import annotations

from reconciler.model.findings import Finding, Severity
from reconciler.model.reviews import Review
from reconciler.report.markdown import code, cut, prose
from reconciler.report.paint import plain
from reconciler.report.review.fitting import Item, Section
from reconciler.report.review.folding import folded
from reconciler.report.review.showing import Showing
from reconciler.report.verdicts_text import verdict_lines

_RANK = {Severity.ERROR: 0, Severity.WARNING: 2, Severity.INFO: 8}
LONGEST = 600


def findings(review: Review, showing: Showing) -> Section:
    """Those that the target branch does not have; how many it has is told beside."""
    items = tuple(_finding(one, review, showing) for one in review.findings)
    before = f", and {len(review.earlier)} that the target branch has too" if review.earlier else ""
    head, tail = folded("", f"Findings: {len(items)} new{before}", showing)
    return Section(head, items, tail)


def _finding(finding: Finding, review: Review, showing: Showing) -> Item:
    path = finding.position.path
    name = f"{review.folder}/{path}" if review.folder else path
    place = f"{code(cut(f'{name}:{finding.position.line}', 300))} " if path else ""
    where = f"{prose(str(finding.target))} " if finding.target else ""
    hint = f" ({prose(cut(finding.hint, LONGEST))})" if finding.hint else ""
    head = f"- **{finding.severity}** {place}{where}{code(finding.code)} "
    line = f"{head}{prose(cut(finding.message, LONGEST if showing.limit else 100_000))}{hint}\n"
    return Item(line, f"{head}{prose(cut(finding.message, 80))}\n", _RANK[finding.severity])


def verdicts(review: Review, showing: Showing) -> Section:
    """Refused, left out, emulated: by target."""
    items = []
    for target in review.targets:
        for line in verdict_lines(review.verdicts, target.target, plain):
            text = " ".join(line.strip().removeprefix("! ").split())
            where = prose(cut(str(target.target), 100))
            whole = f"- {where}: {prose(cut(text, LONGEST if showing.limit else 100_000))}\n"
            items.append(Item(whole, f"- {where}: {prose(cut(text, 80))}\n", 9))
    head, tail = folded("", f"What meshes refuse, leave out, or do by other means ({len(items)})", showing)
    return Section(head, tuple(items), tail)
