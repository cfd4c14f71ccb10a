"""The counts of a run per target in Ansible's manner, and the exit code they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.health import HealthState
from reconciler.model.plans import BLOCKING, Action, ApplyResult, Outcome, Plan, Recap, TargetPlan


def recap(plan: Plan, results: Sequence[ApplyResult]) -> tuple[Recap, ...]:
    """One row per target: ``ok`` in sync; ``changed`` and ``pruned`` written; ``drifted`` found drifted, healed or
    not; ``blocked`` needs somebody; ``skipped`` not written because of mode, suspension or selection. Beside these,
    ``progressing`` and ``degraded`` count objects that the mesh has not accepted; they do not change the exit code."""
    return tuple(_row(target, results) for target in plan.targets)


def _row(target: TargetPlan, results: Sequence[ApplyResult]) -> Recap:
    if target.error:
        return Recap(target.target, unreachable=int(not target.late), late=int(target.late), read_only=target.read_only)
    mine = [result for result in results if result.change.target == target.target]
    withheld = [change for change in target.changes if change.pending and change.withheld is not None]
    return Recap(
        target=target.target,
        ok=sum(1 for change in target.changes if change.action is Action.KEEP),
        changed=_count(mine, Outcome.CHANGED),
        pruned=_count(mine, Outcome.PRUNED),
        drifted=sum(1 for change in target.changes if change.drifted),
        blocked=sum(1 for change in withheld if change.withheld in BLOCKING),
        unreachable=1 if _count(mine, Outcome.UNREACHABLE) else 0,
        failed=_count(mine, Outcome.FAILED),
        skipped=sum(1 for change in withheld if change.withheld not in BLOCKING) + _count(mine, Outcome.SKIPPED),
        progressing=sum(1 for one in target.health if one.health.state is HealthState.PROGRESSING),
        degraded=sum(1 for one in target.health if one.health.state is HealthState.DEGRADED),
        read_only=target.read_only,
    )


def _count(results: Sequence[ApplyResult], outcome: Outcome) -> int:
    return sum(1 for result in results if result.outcome is outcome)


@dataclass(frozen=True, slots=True)
class Totals:
    """What an exit code is decided from."""

    errors: bool = False
    failed: bool = False
    applied: bool = False
    unreachable: bool = False
    blocked: bool = False
    pending: bool = False


def totals(rows: Sequence[Recap], *, errors: bool, pending: bool) -> Totals:
    return Totals(
        errors=errors,
        failed=any(row.failed for row in rows),
        applied=any(row.changed or row.pruned for row in rows),
        unreachable=any(row.unreachable or row.late for row in rows),
        blocked=any(row.blocked for row in rows),
        pending=pending,
    )


def exit_code(found: Totals) -> int:
    """0 in sync or all applied; 1 error and nothing done; 5 some applied and some failed or stopped; 4 a target
    unreachable; 3 something withheld; 2 changes or drift present. The first that is true in the order 1 5 4 3 2 0."""
    wrong = found.errors or found.failed
    if wrong and not found.applied:
        return 1
    if wrong:
        return 5
    if found.unreachable:
        return 4
    if found.blocked:
        return 3
    return 2 if found.pending else 0
