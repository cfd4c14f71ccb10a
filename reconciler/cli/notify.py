"""``reconciler notify``: a message to try a channel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.io.notify import Channels


@click.command("notify")
@click.argument("channels", nargs=-1)
@click.option("--notify-file", required=True, metavar="FILE", envvar="RECONCILER_NOTIFY_FILE",
              help="Channels of notifications: names, and where each leads.")  # fmt: skip
def command(channels: tuple[str, ...], notify_file: str) -> int:
    """Send a message to these channels, or to all of the file, to see that it arrives.

    Who is told of what is written in Git (Reconciler.spec.notify) and done by 'reconciler run'. Exit code 1 when a
    channel did not take it.
    """
    import asyncio

    from reconciler.io.notify import read_channels

    known = read_channels(Path(notify_file))
    unknown = sorted(set(channels) - set(known))
    if unknown:
        raise click.ClickException(f"{notify_file} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    return asyncio.run(_try_all(known, channels or tuple(sorted(known))))


async def _try_all(known: Channels, names: tuple[str, ...]) -> int:
    from reconciler.cli.wiring import this_actor
    from reconciler.daemon.notifying import trial
    from reconciler.ports.channels import ChannelError

    code = 0
    for name in names:
        try:
            await known[name].send(*trial(name, this_actor("manual")))
            click.echo(f"{name}: taken")
        except ChannelError as problem:
            click.echo(f"{name}: {problem}", err=True)
            code = 1
    await known.close()
    return code
