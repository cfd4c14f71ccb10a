"""A plan as Markdown, for a pull request or a wiki. What comes from manifests cannot break out of its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.commits import Commit
from reconciler.model.findings import Finding
from reconciler.model.plans import Action, Change, Plan, TargetPlan
from reconciler.report.change_markdown import diff_block, heading, why_withheld
from reconciler.report.markdown import code, prose
from reconciler.report.paint import plain
from reconciler.report.plan_text import origin_lines, summary
from reconciler.report.verdicts_text import verdict_lines


def plan_markdown(plan: Plan, commit: Commit, findings: Sequence[Finding] = ()) -> str:
    """Title, a table per cluster and mesh, findings, then the changes folded per target as ``diff`` blocks."""
    lines = [f"## Mesh plan for {code(commit.short)}", "", prose(summary(plan)), ""]
    lines += ["| cluster | mesh | create | update | prune | drift | withheld |", "|---|---|--:|--:|--:|--:|--:|"]
    lines += [_row(target) for target in plan.targets]
    for finding in findings:
        lines += ["", f"- **{finding.severity}** {_finding_place(finding)}{prose(finding.message)}"]
    for target in plan.targets:
        lines += _verdicts(plan, target)
    for target in plan.targets:
        lines += ["", *_target(target)]
    return "\n".join(lines) + "\n"


def _verdicts(plan: Plan, target: TargetPlan) -> Iterator[str]:
    """What the mesh does not do as it was asked, a line each."""
    told = [line.strip() for line in verdict_lines(plan.verdicts, target.target, plain)]
    if told:
        yield from ("", f"On {prose(str(target.target))}, otherwise than by the mesh itself:", "")
        yield from (f"- {prose(line.removeprefix('! '))}" for line in told)


def _finding_place(finding: Finding) -> str:
    place = str(finding.position) if finding.position.path else str(finding.target or "")
    return f"{code(place)} " if place else ""


def _row(target: TargetPlan) -> str:
    where = f"| {prose(target.target.cluster)} | {prose(target.target.mesh)} |"
    if target.error:
        return f"{where} {prose(target.error)} | | | | |"
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
    yield f"<details><summary>{prose(str(target.target))}: {len(pending)} changes</summary>"
    yield ""
    for change in pending:
        yield from _change(change)
    if target.guard_fingerprint:
        yield f"Withheld by a guard; to confirm: `Reconciler-Confirm: {target.guard_fingerprint}`"
        yield ""
    yield "</details>"


def _change(change: Change) -> Iterator[str]:
    yield heading(change)
    yield from why_withheld(change)
    yield from (f"from {code(line)}  " for line in origin_lines(change))
    yield from diff_block(change, change.fields)
    yield ""
