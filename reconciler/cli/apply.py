"""``reconciler apply``: the whole pipeline, once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import output_option, request_values, selection_options, source_options, take_source

if TYPE_CHECKING:
    from reconciler.model.plans import ApplyResult
    from reconciler.pipeline.outcome import Run


@click.command("apply")
@click.argument("file", required=False, metavar="[PLAN]")
@source_options
@selection_options
@click.option("--rev", default="", help="Revision to apply. Default: the head; never uncommitted files.")
@click.option("--confirm", multiple=True, metavar="FINGERPRINT", help="Confirm what a guard withholds (repeatable).")
@output_option("text", "json")
def command(file: str | None, rev: str, confirm: tuple[str, ...], output: str, **values: Any) -> int:
    """Write what the plan says, wave by wave, and record each change in the audit log.

    With PLAN, a file of 'reconciler plan --save', exactly that plan is applied, or nothing when Git or the clusters
    have moved so that it would differ.

    Exit codes: 0 all applied, 1 error and nothing done, 2 reported only, 3 something is withheld, 4 a target is
    unreachable, 5 partly applied.
    """
    from reconciler.cli.plan import read_facts
    from reconciler.cli.stopping import stop_on_signals
    from reconciler.cli.wiring import open_world
    from reconciler.pipeline import run as pipeline
    from reconciler.pipeline.world import Request
    from reconciler.ports import OutsideError

    options = take_source(values)
    approved = _read_plan(file) if file else {}
    chosen: dict[str, Any] = values | {key: approved[key] for key in ("limit", "kinds", "policies") if approved}
    request = Request(
        revision=rev,
        facts=read_facts(values["facts_file"]),
        confirmed=frozenset(confirm),
        **request_values(chosen),
    )
    told = _Told(output == "text")
    fingerprint = approved["plan"]["fingerprint"] if approved else ""
    with open_world(options, "manual", reads_head=not rev) as world, stop_on_signals() as stopped:
        try:
            run = asyncio.run(pipeline.apply(world, request, progress=told, stop=stopped, approved=fingerprint))
        except OutsideError as problem:
            if not told.written:
                raise
            click.echo(f"Error: {problem}", err=True)
            click.echo("What was written before is recorded, or will be by the next run.", err=True)
            return 5
    if not run.moved or output == "json":
        show_run(run, output)
    if run.moved:
        _show_moved(run, approved)
    return run.code


@dataclass
class _Told:
    """Says what becomes of each change, and remembers whether anything was written."""

    aloud: bool
    written: bool = False

    def __call__(self, result: ApplyResult) -> None:
        from reconciler.cli.output import painter, say
        from reconciler.model.plans import Outcome
        from reconciler.report.recap_text import result_line

        self.written = self.written or result.outcome in (Outcome.CHANGED, Outcome.PRUNED)
        if self.aloud:
            say(result_line(result, painter()))


def _read_plan(file: str) -> dict[str, Any]:
    try:
        saved = json.loads(Path(file).read_text())
        saved["plan"]["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise click.ClickException(
            f"{file} is not a saved plan (reconciler plan --save makes one): {problem}"
        ) from None
    if saved.get("format") != 1:
        raise click.ClickException(f"{file} was saved by another version of the reconciler: plan again")
    return dict(saved)


def show_run(run: Run, output: str) -> None:
    """Findings, what is withheld, and the recap."""
    from reconciler.cli.output import painter, say, say_findings, say_json
    from reconciler.report.plan_json import findings_json, plan_json, recap_json, results_json
    from reconciler.report.recap_text import recap_text
    from reconciler.report.withheld_text import withheld_text

    plan, commit = run.planned.plan, run.planned.prepared.commit
    if output == "json":
        body = plan_json(plan, commit) if plan else {"commit": None, "targets": []}
        body |= {"run": run.id, "results": results_json(run.results), "recap": recap_json(run.rows)}
        say_json({**body, "findings": findings_json(run.planned.findings), "exitCode": run.code})
        return
    say_findings(run.planned.findings)
    if plan is None:
        return
    withheld = withheld_text(plan, painter())
    if withheld:
        say(withheld)
    if run.recovered:
        say(f"Completed the record of {run.recovered} writes of a run that had died.")
    say(f"\nCommit {commit.short} {commit.subject!r}, run {run.id}")
    say(recap_text(run.rows, painter()))


def _show_moved(run: Run, approved: dict[str, Any]) -> None:
    """What is different now from what was approved."""
    from reconciler.cli.output import painter, say
    from reconciler.report.moved_text import moved_text
    from reconciler.report.plan_json import plan_json

    if run.planned.plan is not None:
        now = plan_json(run.planned.plan, run.planned.prepared.commit)
        say(moved_text(approved["plan"], now, painter(err=True)), err=True)
