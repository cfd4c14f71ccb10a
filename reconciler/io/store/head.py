"""The head of the audit chain, kept in a file beside the log so that a cut tail is found.

It is written after the commit, so it may be behind the log and never ahead of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.io.durable import settle
from reconciler.io.store.chain import START, Head
from reconciler.ports import StoreError, Tampered

_POLL = 0.005  # seconds


class HeadFile:
    """Reads and replaces the file; ``lock`` keeps two processes from replacing a newer head by an older one."""

    def __init__(self, path: Path, lock: Path, timeout: float) -> None:
        self._path = path
        self._lock = lock
        self._timeout = timeout

    def read(self) -> Head | None:
        """The head, None when there is no file. Tampered when the file is not one."""
        try:
            data = json.loads(self._path.read_bytes())
            return Head(int(data["count"]), str(data["hash"]))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise Tampered(
                f"the head of the audit log cannot be read: {self._path} is not what was written", 0
            ) from error

    def create(self) -> None:
        """Write the head of an empty log where there is none."""
        with locked(self._lock, self._timeout):
            if self.read() is None:
                self._write(START)

    def advance(self, head: Head) -> None:
        """Replace the head unless the file holds a newer one, or is gone, which is for ``verify`` to find."""
        with locked(self._lock, self._timeout):
            kept = self.read()
            if kept is not None and kept.count < head.count:
                self._write(head)

    def restate(self, head: Head) -> None:
        with locked(self._lock, self._timeout):
            self._write(head)

    def _write(self, head: Head) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        text = json.dumps({"count": head.count, "hash": head.hash}) + "\n"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        settle(self._path.parent)


@contextmanager
def locked(path: Path, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock on a file, among threads and processes. StoreError after ``timeout`` seconds."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, path, time.monotonic() + timeout)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise StoreError(f"another process holds {path} locked; find it with fuser or lsof") from error
        time.sleep(_POLL)
