"""The last question before a cluster sends what changes something: does whoever writes still have the right to?"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar


def _always() -> None:
    """Nobody else writes."""


#: A cluster calls it after all waiting, right before it writes: it raises (LeaseLost) when the right is lost.
WRITE_PERMIT: ContextVar[Callable[[], None]] = ContextVar("write_permit", default=_always)
