"""A plan as text for a terminal: per cluster and mesh what would change, from which line, and what is withheld."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.model.commits import Commit
from reconciler.model.plans import Action, Change, FieldChange, Plan, TargetPlan
from reconciler.report.paint import Paint
from reconciler.report.values import block, plural, word
from reconciler.report.verdicts_text import verdict_lines
from reconciler.report.withheld_text import QUIET

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.REPLACE: "±", Action.PRUNE: "-", Action.KEEP: "="}
ROLES = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REPLACE: "prune",
    Action.PRUNE: "prune",
    Action.KEEP: "keep",
}


@dataclass(frozen=True, slots=True)
class View:
    """What is left out: objects that nobody but Git changed (``only_drift``); the content of what comes or goes
    unless ``full``."""

    only_drift: bool = False
    full: bool = False


def plan_text(plan: Plan, commit: Commit, paint: Paint, view: View = View()) -> str:
    """The whole plan, as the view wants it."""
    lines = [paint(_title(commit), "heading"), ""]
    for target in plan.targets:
        lines.extend(_target(target, paint, view))
        if not view.only_drift:
            lines.extend(verdict_lines(plan.verdicts, target.target, paint))
        lines.append("")
    lines.append(_drift_summary(plan) if view.only_drift else summary(plan))
    return "\n".join(lines)


def _title(commit: Commit) -> str:
    if commit.sha == "worktree":
        return "Files as they lie, uncommitted changes included"
    return f"Commit {commit.short} {commit.subject!r} by {commit.author}"


def summary(plan: Plan) -> str:
    """One line of counts."""
    changes = plan.changes
    count = {action: sum(1 for change in changes if change.action is action) for action in Action}
    parts = [
        f"{count[Action.CREATE]} to create",
        f"{count[Action.UPDATE] + count[Action.REPLACE]} to update",
        f"{count[Action.PRUNE]} to prune",
        f"{count[Action.KEEP]} in sync",
    ]
    drifted = sum(1 for change in changes if change.drifted)
    withheld = sum(1 for change in changes if change.pending and change.withheld)
    text = "Plan: " + ", ".join(parts)
    return text + f"; {drifted} drifted, {withheld} withheld. Fingerprint {plan.fingerprint[:12]}."


def _drift_summary(plan: Plan) -> str:
    return f"Drift: {plural(sum(1 for change in plan.changes if change.drifted), 'object')}"


def _target(target: TargetPlan, paint: Paint, view: View) -> Iterator[str]:
    pending = [c for c in target.changes if c.pending and (c.drifted or not view.only_drift)]
    kept = sum(1 for change in target.changes if not change.pending)
    access = ", read-only" if target.read_only else ""
    mode = f"mode {target.mode}" + access + (", suspended" if target.suspended else "")
    yield paint(f"{target.target.cluster} / {target.target.mesh}", "heading") + paint(f"   {mode}", "dim")
    if target.error:
        yield "  " + paint(f"! {target.error}", "error")
        return
    for change in pending:
        yield from _change(change, paint, view)
    if not pending:
        yield paint("  nothing has drifted" if view.only_drift else f"  in sync: {plural(kept, 'object')}", "good")
    elif kept:
        yield paint(f"  = {plural(kept, 'object')} in sync", "dim")
    yield from _guards(target, paint)


def _change(change: Change, paint: Paint, view: View) -> Iterator[str]:
    sign = "a" if change.adopt else SIGNS[change.action]
    words = f"  {sign} {change.key.kind} {_place(change)}"
    causes = ", ".join(str(cause) for cause in change.causes)
    whose = ", our keys only: the object is somebody else's" if change.lent else ""
    yield paint(words, ROLES[change.action]) + paint(f"   {change.action}, {causes}{whose}", "dim")
    if change.withheld is not None:
        role = "dim" if change.withheld in QUIET else "withheld"
        yield paint(f"      withheld ({change.withheld}): {change.why}", role)
    if change.action in (Action.CREATE, Action.PRUNE) and not change.lent:
        yield from _content(change, paint) if view.full else ()
    else:
        for field in change.fields:
            yield from _field(field, paint)
    for line in origin_lines(change):
        yield paint(f"      from {line}", "dim")


def _place(change: Change) -> str:
    return f"{change.key.namespace}/{change.key.name}" if change.key.namespace else change.key.name


def origin_lines(change: Change) -> Sequence[str]:
    """``path:line Kind namespace/name (commit)`` of each document that a change comes from."""
    lines = (
        (f"{origin.position.path}:{origin.position.line} " if origin.position.path else "")
        + f"{origin.ref.kind} {origin.ref.namespace}/{origin.ref.name}"
        + (f" {since(origin.commit)}" if origin.commit else "")
        for origin in change.origins
    )
    return tuple(dict.fromkeys(lines))


def _content(change: Change, paint: Paint) -> Iterator[str]:
    """What comes or goes, as YAML."""
    sign, role = ("+", "create") if change.action is Action.CREATE else ("-", "prune")
    for field in change.fields:
        for line in block({field.path: field.after if change.action is Action.CREATE else field.before}):
            yield paint(f"      {sign} {line}", role)


def since(commit: str) -> str:
    """How a line's commit is told."""
    return "(not committed)" if commit == "worktree" else f"@{commit[:8]}"


def _field(field: FieldChange, paint: Paint) -> Iterator[str]:
    match field.op:
        case "add":
            yield paint(f"      + {field.path}: {word(field.after)}", "create")
        case "remove":
            yield paint(f"      - {field.path}: {word(field.before)}", "prune")
        case _:
            yield paint(f"      ~ {field.path}: {word(field.before)} → {word(field.after)}", "update")
    if field.drift:
        yield paint(f"        drift: {author_text(field)}", "drift")


def author_text(field: FieldChange) -> str:
    """Who made a field drift, in words."""
    if field.author is None:
        return "changed outside Git; the cluster keeps no record of who did it"
    at = f" at {field.author.time}" if field.author.time else ""
    return f"written by {field.author.manager}{at}"


def _guards(target: TargetPlan, paint: Paint) -> Iterator[str]:
    for guard in target.guards:
        yield paint(f"  guard: {guard}", "withheld")
    if target.guard_fingerprint:
        yield paint(
            f"  to confirm: a commit with the trailer 'Reconciler-Confirm: {target.guard_fingerprint}',"
            f" or reconciler apply --confirm {target.guard_fingerprint}",
            "withheld",
        )
