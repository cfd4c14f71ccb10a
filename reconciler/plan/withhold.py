"""Why a change may not be written though nothing is wrong with it: holds, modes, suspension, partial views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.model.intents import Hold
from reconciler.model.live import LiveObject
from reconciler.model.plans import Action, Cause, Change, Reason
from reconciler.model.refs import KindId, ObjectKey
from reconciler.model.settings import Mode
from reconciler.plan.fights import Fights, given_up
from reconciler.plan.objects import contributors
from reconciler.plan.rules import Selection


@dataclass(frozen=True, slots=True)
class Withholding:
    """What holds on one target. ``partial``: why nothing may be pruned; ``unread``: kinds that could not be listed."""

    mode: Mode
    read_only: bool
    suspended: str
    self_heal: bool
    prune: bool
    partial: str
    unread: Mapping[KindId, str]
    holds: tuple[Hold, ...]
    live: Mapping[ObjectKey, LiveObject]
    selection: Selection
    fights: Fights
    rejected: str = ""  # why nothing of this revision may be written


def withhold(change: Change, rules: Withholding) -> Change:
    """The change, marked with the first reason that stands against it; unmarked when none does."""
    if not change.pending:
        return change
    frozen = _frozen(change, rules)
    if frozen:
        return replace(change, withheld=Reason.FROZEN, why=frozen)
    if change.withheld is not None:
        return change
    found = _reason(change, rules)
    return change if found is None else replace(change, withheld=found[0], why=found[1])


def _frozen(change: Change, rules: Withholding) -> str:
    """Which document's trouble keeps the live object as it is: one that it was made from and is not made from now."""
    found = rules.live.get(change.key)
    if found is None:
        return ""
    present = set() if change.action is Action.PRUNE else {origin.ref for origin in change.origins}
    missing = set(contributors(found)) - present
    hold = next((hold for hold in rules.holds if hold.ref in missing), None)
    return f"{hold.ref} is not in force now, what it made stays: {hold.reason}" if hold else ""


def _reason(change: Change, rules: Withholding) -> tuple[Reason, str] | None:
    if rules.rejected:
        return Reason.REJECTED, rules.rejected
    if change.key.kind_id in rules.unread:
        return Reason.PARTIAL_VIEW, f"could not be read: {rules.unread[change.key.kind_id]}"
    if change.action is Action.PRUNE and rules.partial:
        return Reason.PARTIAL_VIEW, f"nothing is pruned while {rules.partial}"
    if change.action is Action.PRUNE and not rules.prune:
        return Reason.PRUNE_OFF, "prune: false"
    if rules.suspended:
        return Reason.SUSPENDED, rules.suspended
    if rules.read_only:
        return Reason.READ_ONLY, "access: ReadOnly"
    if rules.mode is Mode.REPORT:
        return Reason.REPORT_MODE, "mode: Report"
    if not rules.self_heal and change.causes == (Cause.DRIFT,):
        return Reason.SELF_HEAL_OFF, "selfHeal: false"
    fought = given_up(change, rules.fights)
    if fought:
        return Reason.FOUGHT, fought
    if not rules.selection.takes(change):
        return Reason.NOT_SELECTED, "not selected"
    return None
