"""``reconciler drift``: the plan of the last applied commit, showing only what was changed outside Git."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from reconciler.cli.options import output_option, request_values, selection_options, source_options, take_source


@click.command("drift")
@source_options
@selection_options
@output_option("text", "json", "markdown")
def command(output: str, **values: Any) -> int:
    """Show which live fields differ from what the last applied commit asks, who wrote them, and when.

    Exit code 2 when anything has drifted, 0 when nothing has. Writes nothing.
    """
    from reconciler.cli.plan import read_facts, show_plan
    from reconciler.cli.wiring import open_world
    from reconciler.pipeline import run as pipeline
    from reconciler.pipeline.state import accepted_revision
    from reconciler.pipeline.world import Request

    options = take_source(values)
    with open_world(options, "manual") as world:
        revision = accepted_revision(world.store)
        request = Request(revision=revision, facts=read_facts(values["facts_file"]), **request_values(values))
        run = asyncio.run(pipeline.plan(world, request))
    show_plan(run, output, only_drift=True)
    if run.code == 2 and run.planned.plan is not None:
        return 2 if any(change.drifted for change in run.planned.plan.changes) else 0
    return run.code
