"""``audit archive``: file first, read back, then the event that tells of it, then the removal in short transactions."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from reconciler.io.store.archive import Archive
    from reconciler.io.store.past import Trail
    from reconciler.io.store.sql import SqlStore


def archive_events(store: SqlStore, before: str, file: Path, source: str) -> Archive | None:
    """The archive that was made; None when nothing is so old. StoreError when it cannot be, and nothing is removed.

    A file that an attempt which died left behind is taken up when it holds exactly these events.
    """
    from reconciler.io.store.archive import older, read_archive, write_archive

    limit = _time(before)
    store.verify()
    store.finish_archiving()  # of an attempt that died
    if not file.exists() and not write_archive(file, older(store.events(), limit), source):
        return None
    made = read_archive(file)
    last = deque(older(store.events(), limit), maxlen=1)
    if [(stored.seq, stored.hash) for stored in last] != [(made.end.count, made.end.hash)]:
        raise click.ClickException(f"{file} is there already and holds other events; nothing was archived")
    store.forget_archived(made, _event(made))
    return made


def default_file(state: Path, before: str) -> Path:
    """Where other commands find it; the folder is made. The name says up to when it reaches."""
    from reconciler.io.store.past import FOLDER

    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"audit-before-{_time(before).astimezone(UTC):%Y%m%dT%H%M%SZ}.jsonl"


def verified(trail: Trail) -> str:
    """In words, how much of the trail was verified. Tampered when any of it is not as it was recorded."""
    from reconciler.io.store.archive import check_joined, read_archive

    count, start = trail.store.verify(), trail.store.archived()[1]
    archives = sorted((read_archive(path) for path in trail.archives), key=lambda archive: archive.start.count)
    check_joined(archives, start)
    since = min((archive.start.count for archive in archives), default=start.count)
    read = f", {start.count - since} of them in {', '.join(str(a.path) for a in archives)}" if archives else ""
    lacking = f"; events 1 to {since} are in archives that were not given{_names(trail.store, since)}" if since else ""
    return f"{count - since} events, the chain is whole{read}{lacking}"


def _names(store: SqlStore, through: int) -> str:
    """The files that the log says hold the events up to a number, as far as it still tells."""
    from reconciler.io.store.archive import ARCHIVED
    from reconciler.report.events import stored_event

    told = [stored_event(row).details for row in store.events(type=ARCHIVED)]
    names = [str(details.get("file", "")) for details in told if details.get("through", 0) <= through]
    return f" ({', '.join(names)})" if any(names) else ""


def _event(made: Archive) -> Any:
    from reconciler.cli.wiring import this_actor
    from reconciler.io.ids import new_id
    from reconciler.io.store.archive import ARCHIVED
    from reconciler.model.commits import Commit
    from reconciler.pipeline.record import RunContext, run_event

    details = {
        "file": made.path.name,
        "first": made.start.count + 1,
        "through": made.end.count,
        "hash": made.end.hash,
        "sha256": made.sha256,
    }
    context = RunContext("", this_actor("manual"), Commit(""))
    return run_event(context, new_id(), datetime.now(UTC), ARCHIVED, details, result="ok")


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise click.ClickException(
            f"--before {text!r} is not a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
