"""``reconciler migrate``: what becomes of policies on another mesh, and the steps there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import output_option, source_options, take_source

if TYPE_CHECKING:
    from reconciler.model.findings import Finding
    from reconciler.model.migrations import Migration


@click.command("migrate")
@click.option("--from", "old", required=True, metavar="MESH", help="A Mesh document, or a mesh type that one has.")
@click.option("--to", "new", required=True, metavar="MESH", help="Another one, or a mesh type that is to come.")
@click.option("--namespaces", default="", metavar="A,B", help="Only what is about services of these namespaces.")
@click.option("--rev", default="", help="Revision to look at. Default: the files as they lie; the head of a URL.")
@source_options
@click.option("--facts", "facts_file", default="", metavar="FILE",
              help="Take discovery from a recorded file instead of the clusters.")  # fmt: skip
@output_option("text", "json")
def command(old: str, new: str, namespaces: str, rev: str, output: str, **values: Any) -> int:
    """For every policy in force on one mesh: what is kept, emulated, lost or gained on another one, what is in the way
    first; then the steps: both side by side, namespace by namespace, the old one out. Writes nothing.

    Exit code 3 when something is in the way, 1 when the repository cannot be used.

    \b
    reconciler migrate --from old --to new
    reconciler migrate --from old-eu --to new-eu --namespaces shop,cart -o json
    """
    from reconciler.cli.output import painter, say, say_findings, say_json
    from reconciler.report.migration_text import migration_json, migration_text
    from reconciler.report.plan_json import findings_json

    chosen = tuple(name for name in namespaces.split(",") if name)
    made, findings = _migration((old, new, chosen), rev, values)
    if output == "json":
        body = migration_json(made) if made else {}
        say_json({**body, "findings": findings_json(findings)})
    elif made is None:
        say_findings(findings)
    else:
        say(migration_text(made, painter()))
    return 1 if made is None else 3 if made.blocked or made.foreign else 0


def _migration(
    asked: tuple[str, str, tuple[str, ...]], rev: str, values: dict[str, Any]
) -> tuple[Migration | None, tuple[Finding, ...]]:
    from reconciler.cli.plan import read_facts
    from reconciler.cli.wiring import open_world
    from reconciler.pipeline.migrate import Asked, NoMigration, migrate
    from reconciler.pipeline.world import Request

    facts = read_facts(values.pop("facts_file"))
    with open_world(take_source(values), "manual") as world:
        if not rev:
            rev = "worktree" if hasattr(world.source, "root") else world.source.fetch()
        try:
            return asyncio.run(migrate(world, Request(revision=rev, facts=facts), Asked(*asked)))
        except NoMigration as problem:
            raise click.ClickException(str(problem)) from None
