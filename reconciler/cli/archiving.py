"""``audit archive``: file first, read back, then the removal and the event that tells of it, in one transaction."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from reconciler.io.store.archive import Archive
    from reconciler.io.store.sql import SqlStore


def archive_events(store: SqlStore, before: str, file: Path, source: str) -> Archive | None:
    """The archive that was made; None when nothing is so old. StoreError when it cannot be, and nothing is removed.

    A file that an attempt which died left behind is taken up when it holds exactly these events.
    """
    from reconciler.io.store.archive import older, read_archive, write_archive

    limit = _time(before)
    store.verify()
    if not file.exists() and not write_archive(file, older(store.events(), limit), source):
        return None
    made = read_archive(file)
    last = deque(older(store.events(), limit), maxlen=1)
    if [(stored.seq, stored.hash) for stored in last] != [(made.end.count, made.end.hash)]:
        raise click.ClickException(f"{file} is there already and holds other events; nothing was archived")
    store.forget_archived(made, _event(made))
    return made


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
