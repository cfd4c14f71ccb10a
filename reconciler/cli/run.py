"""``reconciler run``: the daemon, or one round of it for cron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import source_options, take_source

if TYPE_CHECKING:
    from reconciler.daemon.observing import MakesObserver


@click.command("run")
@source_options
@click.option("--once", is_flag=True, help="One round, then exit with its code: for cron, as ansible-pull does.")
@click.option("--interval", type=float, default=None, help="Seconds between rounds. Default: the Reconciler document.")
@click.option("--limit", default="", metavar="PATTERN", help="Only these targets.")
@click.option("--listen", default="", metavar="HOST:PORT", help="Serve /healthz, /readyz and /metrics there.")
@click.option(
    "--notify-file",
    default="",
    metavar="FILE",
    envvar="RECONCILER_NOTIFY_FILE",
    help="Channels of notifications: names, and where each leads. Who is told of what is in Git.",
)
@click.option("--log-format", type=click.Choice(["auto", "json", "text"]), default="auto", show_default=True)
def command(
    once: bool, interval: float | None, limit: str, listen: str, notify_file: str, log_format: str, **values: Any
) -> int:
    """Pull, plan and apply on a schedule, one round at a time; SIGTERM ends it after the object in hand, SIGHUP
    starts a round at once.
    """
    from functools import partial

    from reconciler.cli.wiring import open_world
    from reconciler.daemon.logs import configure
    from reconciler.daemon.loop import Serving, serve

    opener = partial(open_world, take_source(values), "schedule")
    how = Serving(once, interval, limit, listen, _observers(notify_file))
    return serve(opener, configure(log_format), how)


def _observers(notify_file: str) -> tuple[MakesObserver, ...]:
    """Who is told of each round."""
    from pathlib import Path

    from reconciler.daemon.notifying import Notifying
    from reconciler.io.notify import Channels, read_channels

    channels = read_channels(Path(notify_file)) if notify_file else Channels({})
    return (lambda around: Notifying(around.world, channels, around.log),)
