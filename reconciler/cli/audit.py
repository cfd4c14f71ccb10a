"""``reconciler audit``: the record of what was done, by whom, for which commit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import SourceOptions, output_option, place_options

if TYPE_CHECKING:
    from reconciler.io.store.past import Trail
    from reconciler.io.store.sql import SqlStore
    from reconciler.model.events import StoredEvent

_FILTERS = ("run", "type", "target", "cluster", "object", "commit", "since", "until")


@click.group("audit")
@place_options
def command(repo: str, path: str) -> None:
    """Read, verify and export the audit log. One event per object action and per run, hash-chained."""
    click.get_current_context().find_root().obj["place"] = SourceOptions(repo, path=path)


def _state() -> Path:
    from reconciler.cli.folders import state_folder

    return state_folder(click.get_current_context().find_root().obj["place"])


@contextmanager
def _store() -> Iterator[SqlStore]:
    from reconciler.io.store import open_store

    store = open_store(_state())
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _trail(files: Sequence[str]) -> Iterator[Trail]:
    """The log with the archives that are in the state folder or named."""
    from reconciler.io.store.past import Trail, found_archives

    named = {path.resolve(): path for path in (*found_archives(_state()), *map(Path, files))}
    with _store() as store:
        yield Trail(store, tuple(named.values()))


def _archives(command: Any) -> Any:
    return click.option(
        "--archive",
        "files",
        multiple=True,
        metavar="FILE",
        help="An archive of former events (repeatable). Those in the folder 'archives' of the state are found.",
    )(command)


def _events(trail: Trail, filters: dict[str, str], last: int = 0) -> Sequence[StoredEvent]:
    """Events as filtered; a filter that cannot be read is wrong usage."""
    try:
        return trail.events(filters, last)
    except ValueError as problem:
        raise click.ClickException(str(problem)) from None


def _filters(command: Any) -> Any:
    helps = {
        "run": "Events of this run.",
        "type": "Of this type; a trailing * takes all that begin so (object.*).",
        "target": "On this target (cluster/mesh).",
        "cluster": "On this cluster.",
        "object": "About this object: 'VirtualService shop/reviews', or part of it.",
        "commit": "For this commit (the beginning of its hash).",
        "since": "From this time on (RFC 3339).",
        "until": "Up to this time (RFC 3339).",
    }
    for name in reversed(_FILTERS):
        command = click.option(f"--{name}", default="", help=helps[name])(command)
    return command


@command.command("log")
@_filters
@click.option("-n", "--limit", "count", default=50, show_default=True, help="How many, newest last; 0 for all.")
@_archives
@output_option("text", "json")
def log(count: int, files: tuple[str, ...], output: str, **filters: str) -> int:
    """List events, the newest last."""
    from reconciler.cli.output import say
    from reconciler.report.events import event_line, stored_event

    with _trail(files) as trail:
        rows = _events(trail, filters, count)
    for row in rows:
        if output == "json":
            click.echo(row.body)
        else:
            say(event_line(stored_event(row)))
    return 0


@command.command("show")
@click.argument("event_id")
@_archives
def show(event_id: str, files: tuple[str, ...]) -> int:
    """Show one event with everything that is known of it."""
    with _trail(files) as trail:
        rows = _events(trail, {"id": event_id}, 1)
    if not rows:
        raise click.ClickException(f"there is no event {event_id}; reconciler audit log lists them")
    body = {**json.loads(rows[0].body), "seq": rows[0].seq, "hash": rows[0].hash, "previousHash": rows[0].previous}
    click.echo(json.dumps(body, indent=2, ensure_ascii=False))
    return 0


@command.command("blame")
@click.argument("object", required=False, default="")
@_archives
def blame(object: str, files: tuple[str, ...]) -> int:  # noqa: A002
    """Show, for each live object, the commit, author and policy line that it comes from.

    OBJECT is all or part of its name: reviews, 'VirtualService shop/reviews'.
    """
    from reconciler.cli.output import painter, say
    from reconciler.report.blame_text import blame_text
    from reconciler.report.events import stored_event

    with _trail(files) as trail:
        events = [stored_event(row) for row in trail.last_writes(object)]
    if not events:
        raise click.ClickException(f"nothing was ever written that is called {object!r}" if object else "no writes yet")
    say(blame_text(events, painter()))
    return 0


@command.command("verify")
@_archives
def verify(files: tuple[str, ...]) -> int:
    """Check the whole chain, archives included: a changed, removed, reordered or cut-off event is found. Exit code 1
    then.
    """
    from reconciler.cli.archiving import verified
    from reconciler.cli.output import painter, say
    from reconciler.ports import Tampered

    with _trail(files) as trail:
        try:
            told = verified(trail)
        except Tampered as problem:
            say(painter()(f"The audit log does not verify: {problem}", "error"))
            return 1
    say(painter()(told, "good"))
    return 0


@command.command("archive")
@click.option("--before", required=True, metavar="DATE", help="Events older than this (RFC 3339; a date is in UTC).")
@click.option(
    "--to",
    "file",
    default="",
    metavar="FILE",
    help="A new file. Default: one in the folder 'archives' of the state, where the other commands find it.",
)
@click.option("--source", default="mesh-reconciler", show_default=True, help="CloudEvents source attribute.")
def archive(before: str, file: str, source: str) -> int:
    """Move the oldest events from the log into a file of CloudEvents, one JSON object a line.

    They leave the log only after the file is on the disk and was read back and verified. That it was done is itself
    an event, and the chain goes on from the file's last hash: audit verify --archive FILE checks that they join.
    """
    from reconciler.cli.archiving import archive_events, default_file

    with _store() as store:
        done = archive_events(store, before, Path(file) if file else default_file(_state(), before), source)
    if done is None:
        click.echo(f"no event is older than {before}; nothing was archived")
        return 0
    numbers = f"{done.start.count + 1} to {done.end.count}"
    click.echo(f"{done.count} events ({numbers}) are in {done.path}, and out of the log")
    return 0


@command.command("export")
@_filters
@click.option("--source", default="mesh-reconciler", show_default=True, help="CloudEvents source attribute.")
@_archives
def export(source: str, files: tuple[str, ...], **filters: str) -> int:
    """Write events as CloudEvents 1.0, one JSON object a line, oldest first."""
    from reconciler.report.events import cloudevent

    with _trail(files) as trail:
        for row in _events(trail, filters):
            click.echo(json.dumps(cloudevent(row, source), ensure_ascii=False, sort_keys=True))
    return 0
