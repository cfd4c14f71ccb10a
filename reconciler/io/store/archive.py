"""The beginning of the audit log as a file: CloudEvents, one a line, with the hashes that chain them.

What is written here is read back and verified before ``SqlStore.forget_archived`` removes it from the log.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from reconciler.io.durable import settle
from reconciler.io.store.chain import START, Head, body_of, chain_hash
from reconciler.model.events import StoredEvent
from reconciler.ports import StoreError, Tampered
from reconciler.report.events import cloudevent, utc_text

ARCHIVED = "audit.archived"


@dataclass(frozen=True, slots=True)
class Archive:
    """A verified file: the log before it, where it ends, and the SHA-256 of its bytes."""

    path: Path
    start: Head
    end: Head
    sha256: str

    @property
    def count(self) -> int:
        return self.end.count - self.start.count


def older(events: Iterable[StoredEvent], before: datetime) -> Iterator[StoredEvent]:
    """The beginning of the log up to the first event that is not older: what remains has no hole."""
    limit = utc_text(before)
    return takewhile(lambda stored: json.loads(stored.body)["time"] < limit, events)


def write_archive(path: Path, events: Iterable[StoredEvent], source: str) -> int:
    """Write a new file for this user only, whole or not at all, durable when it returns; how many events.

    StoreError when the file is there already or cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    count = 0
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                for stored in events:
                    file.write(json.dumps(cloudevent(stored, source), sort_keys=True) + "\n")
                    count += 1
                file.flush()
                os.fsync(file.fileno())
            if count:
                os.link(fresh, path)
        finally:
            fresh.unlink()
        settle(path.parent)
    except FileExistsError as error:
        raise StoreError(f"{path} is there already, and nothing was archived: name another file") from error
    except OSError as error:
        raise StoreError(f"cannot write the archive {path}, and nothing was removed: {error.strerror}") from error
    return count


def read_archive(path: Path) -> Archive:
    """Verify a file from its first line to its last. Tampered where the chain in it breaks, StoreError when it cannot
    be read or holds nothing."""
    digest, start, end = hashlib.sha256(), START, START
    for stored in archived_events(path, digest.update):
        if start == end:
            start = Head(stored.seq - 1, stored.previous)
        end = Head(stored.seq, stored.hash)
    if start == end:
        raise StoreError(f"the archive {path} is empty")
    return Archive(path, start, end, digest.hexdigest())


def archived_events(path: Path, seen: Callable[[bytes], object] = lambda _line: None) -> Iterator[StoredEvent]:
    """The events of a file, each verified as it is read; ``seen`` is told every line. Raises as ``read_archive``."""
    head: Head | None = None
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                seen(line)
                stored = _parsed(path, number, line)
                head = _followed(path, head or Head(stored.seq - 1, stored.previous), stored)
                yield stored
    except OSError as error:
        raise StoreError(f"cannot read the archive {path}: {error.strerror}") from error


def first_event(path: Path) -> int:
    """The number of the first event of a file, 0 when it is empty."""
    return next((stored.seq for stored in archived_events(path)), 0)


def check_joined(archives: Iterable[Archive], start: Head) -> None:
    """Tampered unless the archives follow each other without a gap and the log goes on where the last one ends."""
    known = sorted(archives, key=lambda archive: archive.start.count)
    starts = [*(each.start for each in known[1:]), start]
    for archive, following in zip(known, starts[-len(known) :], strict=False):
        if archive.end != following:
            raise Tampered(
                f"the archive {archive.path} ends with event {archive.end.count}, and what follows it goes on after "
                f"event {following.count} with another hash: they do not belong together",
                archive.end.count,
            )


def _parsed(path: Path, number: int, line: bytes) -> StoredEvent:
    try:
        data = json.loads(line)
        return StoredEvent(int(data["sequence"]), data["chainprevious"], data["chainhash"], body_of(data["data"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Tampered(f"the archive {path} is broken in line {number}: it is no event of an audit log", 0) from error


def _followed(path: Path, head: Head, stored: StoredEvent) -> Head:
    whole = chain_hash(stored.previous, stored.body) == stored.hash and json.loads(stored.body).get("seq") == stored.seq
    if not whole or stored.seq != head.count + 1 or stored.previous != head.hash:
        raise Tampered(f"the archive {path} is broken at event {head.count + 1}: changed, removed or reordered",
                       head.count + 1)  # fmt: skip
    return Head(stored.seq, stored.hash)
