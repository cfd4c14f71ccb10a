"""A lock between processes and threads that write to one mirror; it ends with its process, whatever ends that."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.ports import SourceError

_PAUSE = 0.05


@contextmanager
def exclusive(path: Path, name: str, seconds: float) -> Iterator[None]:
    """Hold the lock file; SourceError (retryable) when another holds it for longer than ``seconds``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as cause:
        raise SourceError(f"{name}: cannot write to the state folder {path.parent}: {cause.strerror}") from cause
    try:
        _acquire(handle, name, seconds)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, name: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as cause:
            if time.monotonic() > deadline:
                raise SourceError(
                    f"{name}: another process has been fetching for {seconds:g} s", retryable=True
                ) from cause
        time.sleep(_PAUSE)
