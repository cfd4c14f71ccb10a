"""Tells whether the process that opened a store still lives: the kernel drops its file lock when it ends.

A stopped process keeps its lock, so this only ever shortens the wait for a dead one. It sees the processes of one
machine, in whatever container.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import struct
import threading
from pathlib import Path

_FLOCK = "@hhqqi"  # struct flock with a 64-bit offset: type, whence, start, length, pid


class Session:
    """One byte of a file, locked from the first use until ``close``; its offset is the name of the session."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._name = ""
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        """Locks the byte when it is asked for the first time. OSError when that cannot be."""
        with self._turn:
            if not self._name:
                offset = secrets.randbits(62)
                fcntl.fcntl(self._opened(), fcntl.F_OFD_SETLK, _lock(fcntl.F_WRLCK, offset))
                self._name = str(offset)
            return self._name

    def ended(self, name: str) -> bool:
        """Whether the session of this name is over, be it closed or its process dead."""
        with self._turn:
            if name == self._name:
                return False
            answer = fcntl.fcntl(self._opened(), fcntl.F_OFD_GETLK, _lock(fcntl.F_WRLCK, int(name)))
        return bool(struct.unpack(_FLOCK, answer)[0] == fcntl.F_UNLCK)

    def close(self) -> None:
        with self._turn:
            if self._file >= 0:
                os.close(self._file)
            self._file, self._name = -1, ""

    def _opened(self) -> int:
        if self._file < 0:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o600)
        return self._file


def _lock(kind: int, offset: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, offset, 1, 0)
