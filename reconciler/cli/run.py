"""``reconciler run``: the daemon, or one round of it for cron."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options import source_options, take_source
from reconciler.cli.watching import observers, take_watching, watching_options


@click.command("run")
@source_options
@click.option("--once", is_flag=True, help="One round, then exit with its code: for cron, as ansible-pull does.")
@click.option("--interval", type=float, default=None, help="Seconds between rounds. Default: the Reconciler document.")
@click.option("--limit", default="", metavar="PATTERN", help="Only these targets.")
@click.option("--listen", default="", metavar="HOST:PORT", help="Serve /healthz, /readyz and /metrics there.")
@watching_options
@click.option("--log-format", type=click.Choice(["auto", "json", "text"]), default="auto", show_default=True)
def command(once: bool, interval: float | None, limit: str, listen: str, log_format: str, **values: Any) -> int:
    """Pull, plan and apply on a schedule, one round at a time; SIGTERM ends it after the object in hand, SIGHUP
    starts a round at once.

    With --forge each open pull request to the branch has a report that is kept true, and a merged one is told what
    became of it on each cluster; webhooks (--hooks) make that immediate.
    """
    from functools import partial

    from reconciler.cli.wiring import open_world
    from reconciler.daemon.logs import configure
    from reconciler.daemon.loop import Serving, serve

    watching = take_watching(values)
    opener = partial(open_world, take_source(values), "schedule")
    how = Serving(once, interval, limit, listen, observers(watching, limit))
    return serve(opener, configure(log_format), how)
