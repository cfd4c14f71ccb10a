"""``reconciler audit``: the record of what was done, by whom, for which commit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import SourceOptions, output_option, place_options

if TYPE_CHECKING:
    from reconciler.io.store.sql import SqlStore

_FILTERS = ("run", "type", "target", "cluster", "object", "commit", "since", "until")


@click.group("audit")
@place_options
def command(repo: str, path: str) -> None:
    """Read, verify and export the audit log. One event per object action and per run, hash-chained."""
    click.get_current_context().find_root().obj["place"] = SourceOptions(repo, path=path)


@contextmanager
def _store() -> Iterator[SqlStore]:
    from reconciler.cli.folders import state_folder
    from reconciler.io.store import open_store

    store = open_store(state_folder(click.get_current_context().find_root().obj["place"]))
    try:
        yield store
    finally:
        store.close()


def _events(store: SqlStore, filters: dict[str, str], *, newest_first: bool = False, limit: int = 0) -> Any:
    """Events as filtered; a filter that cannot be read is wrong usage."""
    try:
        return store.events(newest_first=newest_first, limit=limit, **filters)
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
@output_option("text", "json")
def log(count: int, output: str, **filters: str) -> int:
    """List events, the newest last."""
    from reconciler.report.events import event_line, stored_event

    with _store() as store:
        rows = list(_events(store, filters, newest_first=True, limit=count))
    for row in reversed(rows):
        click.echo(row.body if output == "json" else event_line(stored_event(row)))
    return 0


@command.command("show")
@click.argument("event_id")
def show(event_id: str) -> int:
    """Show one event with everything that is known of it."""
    with _store() as store:
        rows = list(store.events(id=event_id))
    if not rows:
        raise click.ClickException(f"there is no event {event_id}; reconciler audit log lists them")
    body = {**json.loads(rows[0].body), "seq": rows[0].seq, "hash": rows[0].hash, "previousHash": rows[0].previous}
    click.echo(json.dumps(body, indent=2, ensure_ascii=False))
    return 0


@command.command("blame")
@click.argument("object", required=False, default="")
def blame(object: str) -> int:  # noqa: A002
    """Show, for each live object, the commit, author and policy line that it comes from.

    OBJECT is all or part of its name: reviews, 'VirtualService shop/reviews'.
    """
    from reconciler.cli.output import painter, say
    from reconciler.report.blame_text import blame_text
    from reconciler.report.events import stored_event

    with _store() as store:
        events = [stored_event(row) for row in store.last_writes(object)]
    if not events:
        raise click.ClickException(f"nothing was ever written that is called {object!r}" if object else "no writes yet")
    say(blame_text(events, painter()))
    return 0


@command.command("verify")
@click.option(
    "--archive",
    "files",
    multiple=True,
    metavar="FILE",
    help="An archive that the log goes on from; all of them since the first, in any order (repeatable).",
)
def verify(files: tuple[str, ...]) -> int:
    """Check the whole chain: a changed, removed, reordered or cut-off event is found. Exit code 1 then."""
    from reconciler.cli.output import painter, say
    from reconciler.io.store.archive import check_joined, read_archive
    from reconciler.ports import Tampered

    with _store() as store:
        try:
            count, start = store.verify(), store.archived()
            archives = [read_archive(Path(file)) for file in files]
            check_joined(archives, start)
        except Tampered as problem:
            say(painter()(f"The audit log does not verify: {problem}", "error"))
            return 1
    since = min((archive.start.count for archive in archives), default=start.count)
    archived = f"; events 1 to {since} are in archives that were not given" if since else ""
    say(painter()(f"{count - since} events, the chain is whole{archived}", "good"))
    return 0


@command.command("archive")
@click.option("--before", required=True, metavar="DATE", help="Events older than this (RFC 3339; a date is in UTC).")
@click.option("--to", "file", required=True, metavar="FILE", help="A new file, for example audit-2026.jsonl.")
@click.option("--source", default="mesh-reconciler", show_default=True, help="CloudEvents source attribute.")
def archive(before: str, file: str, source: str) -> int:
    """Move the oldest events from the log into a file of CloudEvents, one JSON object a line.

    They leave the log only after the file is on the disk and was read back and verified. That it was done is itself
    an event, and the chain goes on from the file's last hash: audit verify --archive FILE checks that they join.
    """
    from reconciler.cli.archiving import archive_events

    with _store() as store:
        done = archive_events(store, before, Path(file), source)
    if done is None:
        click.echo(f"no event is older than {before}; nothing was archived")
        return 0
    click.echo(f"{done.count} events ({done.start.count + 1} to {done.end.count}) are in {file}, and out of the log")
    return 0


@command.command("export")
@_filters
@click.option("--source", default="mesh-reconciler", show_default=True, help="CloudEvents source attribute.")
def export(source: str, **filters: str) -> int:
    """Write events as CloudEvents 1.0, one JSON object a line, oldest first."""
    from reconciler.report.events import cloudevent

    with _store() as store:
        for row in _events(store, filters):
            click.echo(json.dumps(cloudevent(row, source), ensure_ascii=False, sort_keys=True))
    return 0
