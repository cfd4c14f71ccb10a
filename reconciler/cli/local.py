"""``reconciler local``: a mesh on this machine, from a folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("local")
def command() -> None:
    """Run the mesh that a folder describes on this machine: real proxies, small services behind them, the daemon.

    \b
    git clone … fleet && cd fleet
    reconciler local up
    """


@command.command("up")
@click.argument("folder", default=".", metavar="[DIR]", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--interval", type=float, default=1.0, show_default=True, help="Seconds between looks at Git.")
def up(folder: Path, interval: float) -> None:
    """Start everything, print the addresses to curl, and follow the commits until Ctrl-C.

    DIR is a Git repository whose clusters are folders of proxies (connection: {proxies: PATH}). State, logs and
    processes belong to DIR/.local; nothing is left running, not even when this command is killed.
    """
    from reconciler.cli.folders import LOCAL_STATE
    from reconciler.cli.options import SourceOptions
    from reconciler.cli.wiring import open_source, open_world
    from reconciler.daemon import local

    own = (folder / LOCAL_STATE).absolute()
    if not (folder / ".git").exists():
        raise click.ClickException(f"{folder} is no Git repository: run git init there, and commit")
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = SourceOptions(str(folder))
    _source, base = open_source(options)
    click.echo(f"Starting the mesh of {folder.absolute()}; Ctrl-C ends it. Its log: {own.parent / 'reconciler.log'}")
    with open_world(options, "schedule") as world:
        local.up(world, local.Local(base, own.parent, interval, click.echo))
    click.echo("Stopped; nothing is left running.")
