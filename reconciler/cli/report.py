"""``reconciler report``: what a pull request would do, on the pull request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.drift_report import drift
from reconciler.cli.forge_options import ForgeOptions, around, forge_options, open_forge, take_forge
from reconciler.cli.options import request_values, selection_options, source_options, take_source

if TYPE_CHECKING:
    from reconciler.io.ci import Surroundings
    from reconciler.model.reviews import Review
    from reconciler.report.review import Showing


@click.group("report")
def command() -> None:
    """Report to the forge: on a pull request what it would do, in its tracker what has drifted."""


command.add_command(drift)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What becomes of a report. ``output`` "" posts it."""

    output: str
    scope: str
    artifact: str
    sarif: str
    annotations: bool | None


@command.command("pr")
@source_options
@selection_options
@click.option("--live/--no-live", default=False, show_default=True, help="Read the clusters too.")
@click.option("--base", default="", metavar="REV", help="Target branch, or a commit of it. Default: as CI says.")
@click.option("--head", default="", metavar="REV", help="Head of the pull request, or 'worktree'. Default: as CI says.")
@click.option("--number", default=0, metavar="N", help="Number of the pull request. Default: as CI says.")
@forge_options
@click.option("--scope", default="main", show_default=True, help="Name of this report, where a change gets several.")
@click.option("--dry-run", is_flag=True, help="Print the report instead of posting it.")
@click.option("-o", "--output", type=click.Choice(["markdown", "html", "json"]), default=None,
              help="Print it so instead of posting it.")  # fmt: skip
@click.option("--artifact", default="", metavar="FILE", help="Keep the whole report: .md, .html or .json.")
@click.option("--sarif", default="", metavar="FILE", help="Keep findings and warnings as SARIF 2.1.0.")
@click.option(
    "--annotations/--no-annotations", default=None, help="Print workflow commands. Default: where CI reads them."
)
def pr(live: bool, base: str, head: str, number: int, dry_run: bool, output: str | None, **values: Any) -> int:
    """Post what a pull request would do on every cluster and mesh, as one comment that is kept up to date, and as
    statuses of its head. In CI everything is taken from the variables of GitHub Actions, GitLab CI, Gitea Actions or
    Bitbucket Pipelines.

    Exit code: that of the plan; 6 when the plan was made and could not be posted.

    \b
    reconciler report pr                                     in CI
    reconciler report pr --base main --dry-run               on your own machine
    reconciler report pr --live --artifact report.html       with clusters, and the whole of it
    """
    wanted = Wanted(
        output or ("markdown" if dry_run else ""),
        *(values.pop(name) for name in ("scope", "artifact", "sarif", "annotations")),
    )
    forge = take_forge(values)
    found = around(forge)
    found = replace(
        found, number=number or found.number, head=head or found.head, bases=(base,) if base else found.bases
    )
    return asyncio.run(_report(forge, found, wanted, live, values))


async def _report(forge: ForgeOptions, found: Surroundings, wanted: Wanted, live: bool, values: dict[str, Any]) -> int:
    from reconciler.cli.posted import Reporting, posted

    reporting = None if wanted.output else Reporting(open_forge(forge, found), found)
    try:
        if reporting is not None:
            found = await reporting.look_up()
        made = await _reviewed(found, live, values)
        shown = _showing(wanted, made)
        _keep(made, wanted, shown)
        _annotate(made, found, wanted)
        if reporting is None:
            click.echo(_rendered(made, wanted.output, shown), nl=False)
            return made.code
        return await posted(reporting, made, shown)
    finally:
        if reporting is not None:
            await reporting.forge.close()


async def _reviewed(found: Surroundings, live: bool, values: dict[str, Any]) -> Review:
    from reconciler.cli.plan import read_facts
    from reconciler.cli.wiring import open_world
    from reconciler.pipeline.ends import Asked, ends
    from reconciler.pipeline.review import review
    from reconciler.pipeline.world import Request

    request = Request(facts=read_facts(values["facts_file"]), **request_values(values))
    with open_world(take_source(values), "manual") as world:
        if not hasattr(world.source, "root"):
            await asyncio.to_thread(world.source.fetch)
        base, head = await asyncio.to_thread(ends, world.source, Asked(found.head, found.bases))
        return await review(world, request, base, head, live)


def _showing(wanted: Wanted, made: Review) -> Showing:
    from reconciler.report.review import Showing

    return Showing(scope=wanted.scope, artifact=Path(wanted.artifact).name)


def _rendered(made: Review, output: str, shown: Showing) -> str:
    import json

    from reconciler.report.review import comment, page, review_json

    if output == "json":
        return json.dumps(review_json(made), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    return page(made, shown) if output == "html" else comment(made, shown)


def _keep(made: Review, wanted: Wanted, shown: Showing) -> None:
    import json

    from reconciler.report.marks import of_review
    from reconciler.report.sarif import sarif

    if wanted.artifact:
        output = {".html": "html", ".json": "json"}.get(Path(wanted.artifact).suffix, "markdown")
        Path(wanted.artifact).write_text(_rendered(made, output, replace(shown, artifact="")))
    if wanted.sarif:
        Path(wanted.sarif).write_text(json.dumps(sarif(of_review(made), made.code), indent=1) + "\n")


def _annotate(made: Review, found: Surroundings, wanted: Wanted) -> None:
    """Workflow commands go to standard error where standard output is the report: both are read."""
    from reconciler.report.annotations import annotated
    from reconciler.report.marks import of_review

    if wanted.annotations if wanted.annotations is not None else found.annotates:
        for line in annotated(of_review(made)):
            click.echo(line, err=bool(wanted.output))
