"""A port that takes no connections: who calls it waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_ENOUGH = 4


@contextmanager
def silent(address: str, port: int) -> Iterator[None]:
    """Its queue is full, and nobody takes anything out of it."""
    with ExitStack() as open_ones:
        listening = open_ones.enter_context(socket.socket())
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(0)
        for _ in range(_ENOUGH):
            filling = open_ones.enter_context(socket.socket())
            filling.setblocking(False)
            with suppress(BlockingIOError):
                filling.connect((address, port))
        yield
