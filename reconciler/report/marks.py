"""What is to be seen at a line of a file: findings, and what a change would do, for tools that annotate lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.model.codes import CODES
from reconciler.model.findings import Finding, Position, Severity
from reconciler.model.plans import BLOCKING, Plan
from reconciler.model.reviews import AlertKind, Review
from reconciler.report.markdown import visible

#: what a change would do, by code; findings have ``reconciler.model.codes``
DOINGS = {
    "change-guard": "A guard holds back what a change asks.",
    "change-delete": "A change deletes objects.",
    "change-replace": "A change deletes objects and creates them anew.",
    "change-last-route": "A change takes the last route of a host away.",
    "change-left-alone": "A cluster leaves Git, and its objects stay.",
    "change-rejected": "Nothing of a revision would be written.",
    "change-withheld": "What a change asks would not be written.",
    "target-not-read": "A target could not be read, so what lives there is not known.",
}
_KINDS = {
    AlertKind.GUARD: "change-guard",
    AlertKind.DELETE: "change-delete",
    AlertKind.REPLACE: "change-replace",
    AlertKind.LAST_ROUTE: "change-last-route",
    AlertKind.LEFT_ALONE: "change-left-alone",
    AlertKind.REJECTED: "change-rejected",
    AlertKind.WITHHELD: "change-withheld",
    AlertKind.UNREAD: "target-not-read",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """``path`` is that in the repository, "" for what is about no file. ``new``: None where nothing was compared."""

    severity: Severity
    code: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    also: tuple[Position, ...] = ()
    new: bool | None = None

    @property
    def meaning(self) -> str:
        return CODES.get(self.code) or DOINGS.get(self.code, self.code)


def of_findings(findings: Iterable[Finding], folder: str = "", new: bool | None = None) -> Iterator[Mark]:
    """A mark for each finding."""
    for one in findings:
        where = f"{one.target}: " if one.target else ""
        hint = f" ({one.hint})" if one.hint else ""
        also = tuple(Position(within(folder, place.path), place.line, place.column) for place in one.also)
        path = within(folder, one.position.path)
        text = visible(f"{where}{one.message}{hint}")
        yield Mark(one.severity, one.code, text, path, one.position.line, one.position.column, also, new)


def of_plan(plan: Plan, folder: str = "") -> Iterator[Mark]:
    """What would not be written, at the lines that ask for it. The findings of a plan are not among these."""
    for target in plan.targets:
        if target.error:
            yield Mark(Severity.WARNING, "target-not-read", visible(f"{target.target}: {target.error}"))
        for change in target.changes:
            if change.withheld in BLOCKING:
                text = visible(f"{target.target}: {change.key} would not be written ({change.withheld}): {change.why}")
                places = {origin.position for origin in change.origins if origin.position.path}
                for place in sorted(places) or [Position("")]:
                    path = within(folder, place.path)
                    yield Mark(Severity.WARNING, "change-withheld", text, path, place.line, place.column)


def of_review(review: Review) -> tuple[Mark, ...]:
    """Findings, those of the target branch told apart, and what to look at first."""
    marks = [*of_findings(review.findings, review.folder, True), *of_findings(review.earlier, review.folder, False)]
    for alert in review.alerts:
        if alert.kind in _KINDS:
            where = f"{alert.target}: " if alert.target else ""
            items = f": {', '.join(alert.items[:5])}" if alert.items else ""
            text = visible(f"{where}{alert.text}{items}{f' ({alert.hint})' if alert.hint else ''}")
            here = [place for place in alert.places if place.commit == review.head.sha]
            for path, line in sorted({(within(review.folder, place.path), place.line) for place in here}) or [("", 0)]:
                marks.append(Mark(Severity.WARNING, _KINDS[alert.kind], text, path, line, new=True))
    return tuple(dict.fromkeys(marks))


def within(folder: str, path: str) -> str:
    """A path of the source as a path of its repository."""
    return f"{folder}/{path}" if folder and path else path
