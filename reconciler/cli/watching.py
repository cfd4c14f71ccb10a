"""Who looks on while the daemon runs: notifications, pull requests of a forge, and its webhooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.forge_options import ForgeOptions, forge_options, open_forge, take_forge
from reconciler.cli.options import Command, with_options

if TYPE_CHECKING:
    from reconciler.daemon.observing import Around, MakesObserver, Observer


@dataclass(frozen=True, slots=True)
class Watching:
    """``hooks``: HOST:PORT at which deliveries are taken, "" for none."""

    forge: ForgeOptions
    notify_file: str = ""
    hooks: str = ""
    secret_file: str = ""
    every: float = 60.0


def watching_options(command: Command) -> Command:
    """``--notify-file``, ``--forge`` and what goes with it, ``--hooks``."""
    return with_options(
        command,
        click.option("--notify-file", default="", metavar="FILE", envvar="RECONCILER_NOTIFY_FILE",
                     help="Channels of notifications: names, and where each leads. Who is told of what is in Git."),
        forge_options,
        click.option("--forge-interval", type=float, default=60.0, show_default=True, metavar="SECONDS",
                     help="How often the forge is asked for pull requests."),
        click.option("--hooks", default="", metavar="HOST:PORT", help="Take webhooks of the forge there, at /hooks."),
        click.option("--hook-secret-file", default="", metavar="FILE", envvar="RECONCILER_HOOK_SECRET_FILE",
                     help="Secrets of the webhooks, one a line, so that they can be exchanged."),
    )  # fmt: skip


def take_watching(values: dict[str, Any]) -> Watching:
    """Those options out of a command's values."""
    names = ("notify_file", "hooks", "hook_secret_file", "forge_interval")
    notify_file, hooks, secret_file, every = (values.pop(name) for name in names)
    return Watching(take_forge(values), notify_file, hooks, secret_file, every)


def observers(asked: Watching, limit: str) -> tuple[MakesObserver, ...]:
    """ClickException for options that do not go together, ForgeError for a forge that cannot be."""
    if not asked.forge.repository:
        if asked.hooks:
            raise click.ClickException("--hooks needs --forge: which repository they are of")
        return (_notifying(asked.notify_file),)
    return (_notifying(asked.notify_file), *_reviewing(asked, limit))


def _notifying(file: str) -> MakesObserver:
    from reconciler.daemon.notifying import Notifying
    from reconciler.io.notify import Channels, read_channels

    channels = read_channels(Path(file)) if file else Channels({})
    return lambda around: Notifying(around.world, channels, around.log)


def _reviewing(asked: Watching, limit: str) -> tuple[MakesObserver, ...]:
    """The observer of pull requests; and beside it that of webhooks, which tells it."""
    from reconciler.daemon.reviews import Reviewing, Reviews
    from reconciler.io.ci import Surroundings
    from reconciler.io.forges.place import place_of

    options = asked.forge
    place = place_of(options.repository, options.kind, options.url)
    forge = open_forge(options, Surroundings(options.kind, options.repository, 0))
    made: list[Reviews] = []

    def reviews(around: Around) -> Observer:
        source = around.world.source
        which = Reviewing(forge, lambda: source.branch, place.full_name, limit, options.author, asked.every)
        made.append(Reviews(around, which))
        return made[0]

    if not asked.hooks:
        return (reviews,)
    secrets = _secrets(asked.secret_file)

    def hooks(around: Around) -> Observer:
        from reconciler.daemon.hooks import Hooks, HookServer
        from reconciler.io.forges import deliveries

        def parse(headers: Any, body: bytes) -> Any:
            return deliveries.parse(place.kind, headers, body, secrets())

        return HookServer(asked.hooks, Hooks(parse, made[0].deliver, around.log, around.metrics.hooked), around.log)

    return (reviews, hooks)


def _secrets(file: str) -> Callable[[], list[str]]:
    """Read anew each time; ClickException when there is none now."""
    if not file:
        raise click.ClickException("--hooks needs --hook-secret-file: whoever knows the secret is believed")

    def read() -> list[str]:
        return [line.strip() for line in Path(file).read_text().splitlines() if line.strip()]

    try:
        if read():
            return read
    except OSError as problem:
        raise click.ClickException(f"{file}: {problem.strerror}") from None
    raise click.ClickException(f"{file} is empty: a line for each secret")
