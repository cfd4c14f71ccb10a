"""What an archive holds leaves the log in short transactions, so that nobody waits long for the write lock.

The event that tells of the archive comes first, and with it the archive is part of the trail: whatever happens after
that, the log begins somewhere in the archive and the chain holds; a removal that died goes on later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from reconciler.io.store import log
from reconciler.io.store.archive import ARCHIVED, Archive, check_joined
from reconciler.io.store.chain import Head
from reconciler.model.events import AuditEvent
from reconciler.ports import Tampered

BATCH = 500  # events
REST = 0.02  # seconds between two transactions, in which others get the lock


def check(connection: Connection, archive: Archive, event: AuditEvent) -> None:
    """Tampered when the archive is not the beginning of the log; ``event`` must be the one that tells of it."""
    told = {"first": archive.start.count + 1, "through": archive.end.count, "hash": archive.end.hash}
    if event.type != ARCHIVED or any(event.details.get(name) != value for name, value in told.items()):
        raise ValueError("the event must be that of this archive")
    check_joined([archive], Head(archive.end.count, log.hash_at(connection, archive.end.count)))
    if log.start(connection) != archive.start:
        raise Tampered(f"{archive.path} is not the beginning of the audit log, and nothing was removed", 0)


def forget(through: int, writing: Callable[[], AbstractContextManager[Connection]]) -> int:
    """Remove the events up to a number; how many."""
    removed = 0
    while count := _forget_some(through, writing):
        removed += count
        time.sleep(REST)
    return removed


def _forget_some(through: int, writing: Callable[[], AbstractContextManager[Connection]]) -> int:
    with writing() as connection:
        first = log.first(connection)
        if first is None or first > through:
            return 0
        return log.forget(connection, min(through, first + BATCH - 1))
