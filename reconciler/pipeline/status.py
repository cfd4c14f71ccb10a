"""How the last round ended, as ``reconciler status`` shows it: kept in the store, one row per target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from reconciler.model.plans import Recap
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.record import RunContext

WORDS = {0: "ok", 1: "error", 2: "changes pending", 3: "withheld", 4: "unreachable", 5: "partly failed"}


def status_of(
    run: Run, context: RunContext, source: tuple[str, datetime], last: Mapping[str, Any] | None
) -> dict[str, Any]:
    """``source``: its name, and now. Beside the rounds of all others a cluster has rows of its own: its rounds change
    no other row, and a round that goes on without it leaves its counts as they are."""
    name, now = source
    rows = [{**_row(run, recap), **({"own": now.isoformat()} if run.beside else {})} for recap in run.rows]
    earlier = {row["target"]: row for row in (last["targets"] if last else ())}
    if run.beside and last is not None:
        newer = {row["target"]: row for row in rows}
        return {**last, "targets": [newer.get(target, row) for target, row in earlier.items()]}
    return {
        "run": context.run,
        "time": now.isoformat(),
        "source": name,
        "revision": context.commit.sha,
        "subject": context.commit.subject,
        "trigger": context.actor.trigger,
        "exitCode": run.code,
        "result": word_of(run.code),
        "targets": [_as_it_goes_on(row, earlier.get(row["target"])) for row in rows],
        "findings": [str(finding) for finding in run.planned.findings],
    }


def _row(run: Run, recap: Recap) -> dict[str, Any]:
    plan = run.planned.plan
    target = next((target for target in plan.targets if target.target == recap.target), None) if plan else None
    row = {**row_of(recap), "error": target.error if target else ""}
    return {**row, "suspended": target.suspended} if target and target.suspended else row


def _as_it_goes_on(row: dict[str, Any], earlier: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A late one has the counts of its own last round, when it had one beside the others."""
    return {**earlier, "late": 1, "error": row["error"]} if row["late"] and earlier and "own" in earlier else row


def row_of(recap: Recap) -> dict[str, Any]:
    row = {**asdict(recap), "target": str(recap.target)}
    return {**row, "readOnly": True} if row.pop("read_only") else row


def word_of(code: int) -> str:
    return WORDS[code]
