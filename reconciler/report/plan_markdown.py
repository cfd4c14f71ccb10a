"""A plan as Markdown, for a pull request or a wiki. What comes from manifests cannot break out of its place."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from reconciler.model.commits import Commit
from reconciler.model.findings import Finding
from reconciler.model.plans import Action, Change, Plan, TargetPlan
from reconciler.report.paint import plain
from reconciler.report.plan_text import SIGNS, author_text, origin_lines, summary
from reconciler.report.values import word
from reconciler.report.verdicts_text import verdict_lines


def plan_markdown(plan: Plan, commit: Commit, findings: Sequence[Finding] = ()) -> str:
    """Title, a table per cluster and mesh, findings, then the changes folded per target as ``diff`` blocks."""
    lines = [f"## Mesh plan for {_code(commit.short)}", "", _safe(summary(plan)), ""]
    lines += ["| cluster | mesh | create | update | prune | drift | withheld |", "|---|---|--:|--:|--:|--:|--:|"]
    lines += [_row(target) for target in plan.targets]
    for finding in findings:
        lines += ["", f"- **{finding.severity}** {_finding_place(finding)}{_safe(finding.message)}"]
    for target in plan.targets:
        lines += _verdicts(plan, target)
    for target in plan.targets:
        lines += ["", *_target(target)]
    return "\n".join(lines) + "\n"


def _verdicts(plan: Plan, target: TargetPlan) -> Iterator[str]:
    """What the mesh does not do as it was asked, a line each."""
    told = [line.strip() for line in verdict_lines(plan.verdicts, target.target, plain)]
    if told:
        yield from ("", f"On {_safe(str(target.target))}, otherwise than by the mesh itself:", "")
        yield from (f"- {_safe(line.removeprefix('! '))}" for line in told)


def _finding_place(finding: Finding) -> str:
    place = str(finding.position) if finding.position.path else str(finding.target or "")
    return f"{_code(place)} " if place else ""


def _row(target: TargetPlan) -> str:
    where = f"| {_safe(target.target.cluster)} | {_safe(target.target.mesh)} |"
    if target.error:
        return f"{where} {_safe(target.error)} | | | | |"
    counts = [
        sum(1 for c in target.changes if c.action is Action.CREATE),
        sum(1 for c in target.changes if c.action in (Action.UPDATE, Action.REPLACE)),
        sum(1 for c in target.changes if c.action is Action.PRUNE),
        sum(1 for c in target.changes if c.drifted),
        sum(1 for c in target.changes if c.pending and c.withheld),
    ]
    return where + "".join(f" {count} |" for count in counts)


def _target(target: TargetPlan) -> Iterator[str]:
    pending = [change for change in target.changes if change.pending]
    if not pending:
        return
    yield f"<details><summary>{_safe(str(target.target))}: {len(pending)} changes</summary>"
    yield ""
    for change in pending:
        yield from _change(change)
    if target.guard_fingerprint:
        yield f"Withheld by a guard; to confirm: `Reconciler-Confirm: {target.guard_fingerprint}`"
        yield ""
    yield "</details>"


def _change(change: Change) -> Iterator[str]:
    whose = " (our keys only: the object is somebody else's)" if change.lent else ""
    yield f"#### {SIGNS[change.action]} {_code(str(change.key))}{whose}"
    if change.withheld:
        yield f"withheld ({change.withheld}): {_safe(change.why)}"
    yield from (f"from {_code(line)}  " for line in origin_lines(change))
    rows = list(_diff(change))
    if rows:
        fence = _fence(rows)
        yield from (f"{fence}diff", *rows, fence)
    yield ""


def _diff(change: Change) -> Iterator[str]:
    for field in change.fields:
        if field.op != "add":
            yield f"- {field.path}: {word(field.before)}"
        if field.op != "remove":
            yield f"+ {field.path}: {word(field.after)}"
        if field.drift:
            yield f"# drift: {author_text(field)}"


def _fence(rows: Sequence[str]) -> str:
    """A fence longer than any run of backticks within."""
    longest = max((len(run) for row in rows for run in _runs(row)), default=0)
    return "`" * max(3, longest + 1)


def _runs(text: str) -> Iterator[str]:
    run = ""
    for letter in text + " ":
        if letter == "`":
            run += letter
        elif run:
            yield run
            run = ""


def _code(text: str) -> str:
    """An inline code span that its content cannot end."""
    ticks = "`" * (max((len(run) for run in _runs(text)), default=0) + 1)
    return f"{ticks} {text} {ticks}" if len(ticks) > 1 else f"`{text}`"


def _safe(text: str) -> str:
    """Text in which nothing is HTML, a mention, a link or a table cell's end."""
    escaped = html.escape(text, quote=False).replace("@", "@\u200b").replace("|", "\\|").replace("\n", " ")
    return "".join(f"\\{letter}" if letter in "[]*_`#~" else letter for letter in escaped)
