"""Ids that sort by the time they were made: 48 bits of milliseconds and 80 random bits in 26 letters (ULID)."""

from __future__ import annotations

import os
import threading
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80


class IdMaker:
    """Makes ids that only ever grow, also when the clock is set back or two fall into one millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> str:
        now = time.time_ns() // 1_000_000 << _RANDOM_BITS
        with self._lock:
            fresh = now | int.from_bytes(os.urandom(_RANDOM_BITS // 8))
            self._last = fresh if now > self._last else self._last + 1
            return _text(self._last)


def _text(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


_MAKER = IdMaker()


def _fresh_maker() -> None:
    # A forked child that went on counting where its parent stands would make the parent's next ids.
    global _MAKER
    _MAKER = IdMaker()


os.register_at_fork(after_in_child=_fresh_maker)


def new_id() -> str:
    """A new id, greater than every one that this process made before."""
    return _MAKER.new()
