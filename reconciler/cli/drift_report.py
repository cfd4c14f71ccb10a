"""``reconciler report drift``: an entry of the forge's tracker that is kept true."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.forge_options import ForgeOptions, around, forge_options, open_forge, take_forge
from reconciler.cli.options import request_values, selection_options, source_options, take_source

if TYPE_CHECKING:
    from reconciler.pipeline.drift_report import Kept
    from reconciler.pipeline.outcome import Run
    from reconciler.pipeline.world import World


@click.command("drift")
@source_options
@selection_options
@forge_options
@click.option("--scope", default="drift", show_default=True, help="Name of this entry, where there are several.")
@click.option("--dry-run", is_flag=True, help="Print the page instead of keeping it in the tracker.")
def drift(scope: str, dry_run: bool, **values: Any) -> int:
    """Keep one entry (an issue) of the forge's tracker that says what has drifted on every cluster, and who did it:
    made when something has, written anew when it changes, closed when nothing has any more. For a schedule.

    Exit code: that of 'reconciler drift'; 6 when it was looked at and could not be kept.

    \b
    reconciler report drift                                                  in CI
    reconciler report drift --forge https://github.com/acme/mesh --limit prod
    """
    return asyncio.run(_report(take_forge(values), scope, dry_run, values))


async def _report(options: ForgeOptions, scope: str, dry_run: bool, values: dict[str, Any]) -> int:
    from reconciler.cli.plan import read_facts
    from reconciler.cli.wiring import open_world
    from reconciler.pipeline import run as pipeline
    from reconciler.pipeline.world import Request

    request = Request(facts=read_facts(values["facts_file"]), **request_values(values))
    with open_world(take_source(values), "manual") as world:
        run = await pipeline.plan(world, request)
        if run.planned.plan is None:
            raise click.ClickException("nothing of the repository can be used: reconciler validate says why")
        if dry_run:
            click.echo(_page(run, world), nl=False)
            return run.code
        return await _kept(options, scope, world, run)


def _page(run: Run, world: World) -> str:
    from reconciler.report.drift_markdown import drift_markdown, drift_title

    assert run.planned.plan is not None
    targets = run.planned.plan.targets
    return drift_markdown(f"# {drift_title(targets)}", targets, run.planned.prepared.commit, world.now())


async def _kept(options: ForgeOptions, scope: str, world: World, run: Run) -> int:
    from reconciler.cli.posted import NOT_POSTED
    from reconciler.pipeline.drift_report import keep_issue
    from reconciler.ports.forge import ForgeError

    found = around(options)
    forge = open_forge(options, found)
    try:
        kept = await keep_issue(forge, world, run, scope, options.author or found.account)
    except ForgeError as problem:
        click.echo(f"looked at (exit code {run.code}) and not kept: {problem}", err=True)
        return NOT_POSTED
    finally:
        await forge.close()
    click.echo(_told(kept))
    return run.code


def _told(kept: Kept) -> str:
    if kept.issue is None:
        return "nothing has drifted, and no entry says so"
    what = "closed" if kept.closed else str(kept.outcome)
    return f"{what}: {kept.issue.url or kept.issue.id} {kept.issue.title}"
