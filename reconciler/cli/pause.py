"""``reconciler pause`` and ``resume``: stop writing to targets for a while, without a commit; both are recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from reconciler.cli.options import source_options, take_source


@click.command("pause")
@source_options
@click.option("--limit", required=True, metavar="PATTERN", help="Which targets: as in plan --limit; 'all' for all.")
@click.option(
    "--for", "duration", default="", metavar="DURATION", help="How long: 30m, 2h, 1h30m. Default: until resumed."
)
@click.option("--reason", required=True, help="Why; it is shown in every report and kept in the audit log.")
def command(limit: str, duration: str, reason: str, **values: Any) -> int:
    """Stop all writes to targets. Plans, drift and reports go on, and say that it is paused, by whom and why."""
    from reconciler.cli.wiring import open_world
    from reconciler.load.values import seconds
    from reconciler.pipeline.pausing import pause

    length = timedelta(seconds=seconds(duration)) if duration else None
    if length is not None and not length:
        raise click.ClickException(f"{duration!r} is not a duration; write 30m, 2h or 1h30m")
    with open_world(take_source(values), "manual") as world:
        paused = pause(world, limit, reason, length)
    for target in paused:
        click.echo(f"paused {target}")
    return 0


@click.command("resume")
@source_options
@click.option("--limit", default="", metavar="PATTERN", help="Which targets. Default: all that are paused.")
def resume(limit: str, **values: Any) -> int:
    """Let writes go on."""
    from reconciler.cli.wiring import open_world
    from reconciler.pipeline.pausing import resume as go_on

    with open_world(take_source(values), "manual") as world:
        resumed = go_on(world, limit)
    for target in resumed:
        click.echo(f"resumed {target}")
    if not resumed:
        click.echo("nothing is paused there", err=True)
    return 0
