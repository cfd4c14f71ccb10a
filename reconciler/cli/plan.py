"""``reconciler plan``: the pipeline up to the first write."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import output_option, request_values, selection_options, source_options, take_source

if TYPE_CHECKING:
    from reconciler.pipeline.outcome import Run
    from reconciler.pipeline.world import World


@click.command("plan")
@source_options
@selection_options
@click.option("--rev", default="", help="Revision to plan. Default: the files as they lie; the head of a URL.")
@click.option("--against", default="", metavar="REV", help="Compare two revisions, without any cluster.")
@click.option("--save", default="", metavar="FILE", help="Keep the plan, for 'reconciler apply FILE'.")
@click.option("--record-facts", default="", metavar="FILE", help="Keep what discovery found, for --facts.")
@click.option("--full", is_flag=True, help="Show the whole content of what would be created or pruned.")
@output_option("text", "json", "markdown", "sarif")
def command(rev: str, against: str, save: str, record_facts: str, full: bool, output: str, **values: Any) -> int:
    """Show, per cluster and mesh, what would be created, updated field by field, pruned, kept or withheld, and which
    commit, policy file and line it comes from. Writes nothing to any cluster.

    \b
    reconciler plan --repo .                       uncommitted files included
    reconciler plan --rev HEAD --save plan.json    then: reconciler apply plan.json
    reconciler plan --against main                 what this branch changes, without clusters
    """
    from reconciler.cli.wiring import open_world

    options = take_source(values)
    with open_world(options, "manual") as world:
        if not rev and hasattr(world.source, "root"):
            rev = "worktree"
        run = asyncio.run(_plan(world, rev, against, values))
        _keep(run, save, record_facts, rev, values)
        folder = world.source.folder
    if output == "sarif":
        _show_marks(run, folder)
    else:
        show_plan(run, output, full=full)
    return run.code


def _show_marks(run: Run, folder: str) -> None:
    from reconciler.cli.output import say_json
    from reconciler.report.marks import of_findings, of_plan
    from reconciler.report.sarif import sarif

    plan = run.planned.plan
    say_json(sarif([*of_findings(run.planned.findings, folder), *(of_plan(plan, folder) if plan else ())], run.code))


async def _plan(world: World, rev: str, against: str, values: dict[str, Any]) -> Run:
    from reconciler.pipeline import run as pipeline
    from reconciler.pipeline.preview import preview
    from reconciler.pipeline.world import Request

    facts = read_facts(values["facts_file"])
    request = Request(revision=rev, facts=facts, **request_values(values))
    if against:
        return await preview(world, request, against)
    return await pipeline.plan(world, request)


def read_facts(file: str) -> Any:
    """Recorded facts, or None when no file was named."""
    if not file:
        return None
    from reconciler.io.recordings import replay

    try:
        return replay(Path(file))
    except (OSError, ValueError) as problem:
        raise click.ClickException(f"{file}: {problem}; plan --record-facts makes such a file") from None


def _keep(run: Run, save: str, record_facts: str, rev: str, values: dict[str, Any]) -> None:
    import json

    if record_facts:
        from reconciler.io.recordings import record

        record(run.planned.facts, Path(record_facts))
    if save and run.planned.plan is not None:
        from reconciler.report.plan_json import plan_json

        saved = {
            "format": 1,
            "revision": rev,
            **{key: list(values[key]) if key != "limit" else values[key] for key in ("limit", "kinds", "policies")},
            "plan": plan_json(run.planned.plan, run.planned.prepared.commit),
        }
        Path(save).write_text(json.dumps(saved, indent=1, sort_keys=True) + "\n")


def show_plan(run: Run, output: str, *, only_drift: bool = False, full: bool = False) -> None:
    """The plan of a run on standard output; findings with it, or on standard error beside text."""
    from reconciler.cli.output import painter, say, say_findings, say_json
    from reconciler.report.plan_json import findings_json, plan_json, recap_json
    from reconciler.report.plan_markdown import plan_markdown
    from reconciler.report.plan_text import View, plan_text

    plan, commit, findings = run.planned.plan, run.planned.prepared.commit, run.planned.findings
    if output == "json":
        body = plan_json(plan, commit) if plan else {"commit": None, "targets": []}
        say_json({**body, "findings": findings_json(findings), "recap": recap_json(run.rows), "exitCode": run.code})
        return
    if output == "markdown" and plan is not None:
        click.echo(plan_markdown(plan, commit, findings), nl=False)
        return
    say_findings(findings)
    if plan is not None:
        say(plan_text(plan, commit, painter(), View(only_drift, full)))
