"""The sockets of one HTTP session, so that none outlives it.

The client library keeps no hold on a connection whose request was broken off, and the polite end of its TLS waits for a
word of the server that may never come.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from weakref import WeakSet

from aiohttp import AddrInfoType

TURNS = 100  # of the event loop; a handful does


class Sockets:
    def __init__(self) -> None:
        self._made: WeakSet[socket.socket] = WeakSet()

    def new(self, address: AddrInfoType) -> socket.socket:
        family, kind, protocol = address[:3]
        made = socket.socket(family, kind, protocol)
        self._made.add(made)
        return made

    def open(self) -> list[socket.socket]:
        return [made for made in self._made if made.fileno() >= 0]

    async def close(self) -> None:
        """Each looks to the event loop as if the other side had gone, and so it lets go of it."""
        for made in self.open():
            with suppress(OSError):  # not connected yet, or no longer
                made.shutdown(socket.SHUT_RDWR)
        for _ in range(TURNS):
            if not self.open():
                return
            await asyncio.sleep(0)
