"""What became of a merged pull request: a line per cluster and mesh, and the mark of its commit. Says no counts, so
that it changes only when something does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.forges import CommitStatus, StatusState
from reconciler.model.plans import ApplyResult, Outcome, Recap
from reconciler.model.refs import TargetId
from reconciler.report.markdown import cut, prose, visible
from reconciler.report.review.fitting import Item, Section, fit
from reconciler.report.review.statuses import APPLY, LONGEST
from reconciler.report.values import plural

_LONGEST_REASON = 300


class Became(StrEnum):
    """Of a commit on one target, the best first."""

    APPLIED = "applied"
    PROGRESSING = "applied, the mesh has not taken all of it yet"
    DEGRADED = "applied, but the mesh has not accepted all of it"
    WAITING = "not applied: not to be written there now"
    LATE = "still under way"
    WITHHELD = "withheld"
    UNREACHED = "not reached"
    FAILED = "failed"


#: What ends the story of a commit there, if nothing else happens.
DONE = frozenset({Became.APPLIED, Became.DEGRADED})
_GOOD = (Became.APPLIED, Became.PROGRESSING)
_HEAD = "| cluster | mesh | | |\n|---|---|---|---|\n"
_ICONS = {Became.FAILED: "❌", Became.UNREACHED: "❌", Became.WITHHELD: "⚠️", Became.DEGRADED: "⚠️"}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of a commit on a target; ``why`` in the words of the cluster, the mesh or the guard."""

    target: TargetId
    became: Became
    why: str = ""


def arrivals(
    rows: Sequence[Recap], results: Sequence[ApplyResult], reasons: Mapping[TargetId, str]
) -> tuple[Arrival, ...]:
    """Of every target of a run. ``reasons``: why one could not be planned, or what withholds something there."""
    failed = {
        result.change.target: f"{result.change.key}: {result.message}"
        for result in reversed(results)
        if result.outcome in (Outcome.FAILED, Outcome.UNREACHABLE)
    }
    return tuple(
        Arrival(row.target, _became(row), failed.get(row.target, "") or reasons.get(row.target, "")) for row in rows
    )


def _became(row: Recap) -> Became:
    found = (
        (row.failed, Became.FAILED),
        (row.unreachable, Became.UNREACHED),
        (row.late, Became.LATE),
        (row.blocked, Became.WITHHELD),
        (row.skipped, Became.WAITING),
        (row.degraded, Became.DEGRADED),
        (row.progressing, Became.PROGRESSING),
    )
    return next((became for count, became in found if count), Became.APPLIED)


def applied_markdown(mark: str, commit: str, found: Sequence[Arrival], command: str, limit: int = 0) -> str:
    """The comment, in at most ``limit`` UTF-8 bytes (0: no bound), what is worst first. ``mark`` is its first line."""
    bad = [one for one in found if one.became not in _GOOD]
    head = f"{mark}\n### {'⚠️' if bad else '✅'} {_words(found)}\n\nMerged as {prose(commit[:12])}.\n\n"
    tail = f"\n<sub>All of it: `{command}`</sub>\n"
    order = list(Became)
    rows = [_row(one) for one in sorted(found, key=lambda one: (-order.index(one.became), one.target))]
    table = Section(_HEAD, tuple(Item(row, row) for row in rows), more=lambda number: f"| …and {number} more | | | |\n")
    return head + fit([table], max(1, limit - len((head + tail).encode())) if limit else 0).text + tail


def _row(one: Arrival) -> str:
    became = f"{_ICONS.get(one.became, '')} {one.became}".strip()
    why = prose(cut(visible(one.why), _LONGEST_REASON))
    return f"| {prose(one.target.cluster)} | {prose(one.target.mesh)} | {became} | {why} |\n"


def _words(found: Sequence[Arrival]) -> str:
    there = [one for one in found if one.became in (*_GOOD, Became.DEGRADED)]
    if not found:
        return "Nothing to be applied anywhere"
    if len(there) == len(found):
        return f"Applied on {plural(len(found), 'target')}"
    return f"Applied on {len(there)} of {plural(len(found), 'target')}"


def arrival_status(found: Sequence[Arrival], url: str = "") -> CommitStatus:
    """The mark ``reconciler/apply`` of a merged commit."""
    states = {one.became for one in found}
    if states & {Became.FAILED, Became.WITHHELD}:
        state = StatusState.FAILURE
    elif Became.UNREACHED in states:
        state = StatusState.ERROR
    else:
        state = StatusState.PENDING if states - {*DONE, Became.PROGRESSING} else StatusState.SUCCESS
    counted = [f"{n} {word}" for word in Became if (n := sum(1 for one in found if one.became is word))]
    return CommitStatus(APPLY, state, cut("; ".join(counted) or _words(found), LONGEST), url)
