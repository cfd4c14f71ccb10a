"""What a run did not write, and what to do about it: as text, after the progress lines."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.plans import Plan, Reason, TargetPlan
from reconciler.report.paint import Paint
from reconciler.report.values import plural

_LATER = "nothing was written there, the others did not wait for it, and the next run tries again"
QUIET = (Reason.REPORT_MODE, Reason.READ_ONLY, Reason.NOT_SELECTED)


def withheld_text(plan: Plan, paint: Paint) -> str:
    """Per target: why nothing could be planned, each withheld change with its reason, and how to confirm."""
    return "\n".join(line for target in plan.targets for line in _target(target, paint))


def _target(target: TargetPlan, paint: Paint) -> Iterator[str]:
    if target.error:
        yield paint(f"{'late' if target.late else 'unreachable'} {target.target}  {target.error}", "error")
        yield paint(f"    {_LATER}" if target.late else f"    check its connection; {_LATER}", "dim")
        return
    if target.suspended and not any(change.pending for change in target.changes):
        yield paint(f"suspended   {target.target}  {target.suspended}", "withheld")
    quiet = [change for change in target.changes if change.pending and change.withheld in QUIET]
    for change in target.changes:
        if change.pending and change.withheld is not None and change.withheld not in QUIET:
            yield paint(f"withheld    {target.target}  {change.key} ({change.action})", "withheld")
            yield paint(f"    {change.withheld}: {change.why}", "dim")
    if quiet:
        yield paint(f"reported    {target.target}  {plural(len(quiet), 'change')} not written: {quiet[0].why}", "dim")
    if target.guard_fingerprint:
        yield paint(
            f"    confirm with a commit trailer 'Reconciler-Confirm: {target.guard_fingerprint}'"
            f" or reconciler apply --confirm {target.guard_fingerprint}",
            "withheld",
        )
