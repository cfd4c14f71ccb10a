"""Follows one list from the version at which it was read: the server tells every change over a connection of its own.

Nothing is mended here. A watch that ends, for whatever reason, is over, and its list is read anew by ``lists``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from reconciler.io.kube import pages
from reconciler.io.kube.transport import Answer, Request, Transport
from reconciler.ports import ClusterError, Forbidden, Rejected

Name = tuple[str, str]
Entries = dict[Name, Any]

LONGEST = 900  # seconds: a connection that stays is opened anew long before
SILENCE = 150.0  # seconds: the server sends a bookmark each minute, so that one that says nothing is not there
CATCH_UP = 2.0  # seconds that the next look waits for what we wrote ourselves


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


_EVENTS = msgspec.json.Decoder(_Event)


class Watch:
    """``entries`` are kept as they are in the cluster. ``refused``: it is of no use to try again."""

    def __init__(
        self,
        transport: Transport,
        path: str,
        accept: str,
        version: str,
        entries: Entries,
        make: Callable[[pages.Item], Any | None],
        selector: str = "",
    ) -> None:
        self.entries = entries
        self.refused = False
        self._make = make
        self._changed = False
        self._seen = _number(version)
        self._awaited = 0
        self._over = self._seen < 0
        self._moved = asyncio.Event()
        query = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(LONGEST),
            **({"labelSelector": selector} if selector else {}),
        }
        self._task = asyncio.create_task(self._run(transport, Request("GET", path, query, accept=accept)))

    def await_version(self, version: str) -> None:
        """The list is current again when this version was seen. One that is no number never is."""
        wanted = _number(version)
        self._over = self._over or wanted < 0
        self._awaited = max(self._awaited, wanted)

    async def current(self) -> bool:
        """Whether the entries are what the server has told, with all that we wrote."""
        try:
            async with asyncio.timeout(CATCH_UP):
                while not self._over and self._seen < self._awaited:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return not self._over

    def take_changes(self) -> bool:
        """Whether anything has changed since this was last asked."""
        changed, self._changed = self._changed, False
        return changed

    async def close(self) -> None:
        """Raises what ended it where that was a bug."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled() and (error := self._task.exception()):
            raise error

    async def _run(self, transport: Transport, request: Request) -> None:
        try:
            async with transport.going_on(request, SILENCE) as lines:
                async for line in lines:
                    self._take(line)
                    self._moved.set()
        except ClusterError as error:
            self.refused = isinstance(error, (Forbidden, Rejected))
        finally:
            self._over = True
            self._moved.set()

    def _take(self, line: Answer) -> None:
        """ClusterError when it is none of the events of a list."""
        event: _Event = pages.decoded(_EVENTS, line)
        if event.type not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
            raise ClusterError(f"the watch was ended by the server: {event.type}", 410)
        item = pages.item(replace(line, body=bytes(event.object)))
        self._seen = max(self._seen, _number(item.metadata.resource_version))
        if event.type == "BOOKMARK":
            return
        made = None if event.type == "DELETED" else self._make(item)
        if made is not None:
            self.entries[item.name] = made
            self._changed = True
        elif self.entries.pop(item.name, None) is not None:
            self._changed = True


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else -1
