"""Lists of one cluster: read consistently, in pages. Of a connection that stays, a long one is then followed by a
watch, so that asking for it again costs only what has changed; a short one is cheaper to read anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from reconciler.io.kube import pages, paths
from reconciler.io.kube.transport import Transport
from reconciler.io.kube.watch import Entries, Name, Watch
from reconciler.ports import ClusterError

T = TypeVar("T")
#: one item as the reader of the list wants it; None for one that it does not want
Make = Callable[[pages.Item], T | None]

#: path, form, label selector
_Place = tuple[str, str, str]

PAGE = 500
RESTARTS = 2
WATCHED_FROM = 100  # items: one watch is one more connection. Metadata alone is asked for where whole objects are large
WATCHES = 8  # of one cluster at most
NOTHING_NEW = "0"  # the version at which a write that was refused is seen


@dataclass(frozen=True, eq=False)
class Snapshot(Generic[T]):
    """The items of a list, by namespace and name. The very same value as long as none of them has changed."""

    items: tuple[T, ...] = ()


@dataclass(slots=True)
class _Known:
    """What was listed, and at which versions; or the watch that has gone on from there."""

    snapshot: Snapshot[Any]
    versions: tuple[tuple[str, ...], ...] = ()
    watch: Watch | None = None


@dataclass(slots=True)
class _Listed:
    version: str = ""
    count: int = 0
    entries: Entries = field(default_factory=dict)
    versions: list[tuple[str, ...]] = field(default_factory=list)


class Lists:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._stays = False
        self._known: dict[_Place, _Known] = {}
        self._refused: set[_Place] = set()

    def stay(self) -> None:
        """The connection is for more than one look: what is read is kept, and followed."""
        self._stays = True

    def wrote(self, group: str, plural: str, version: str) -> None:
        """Of this resource, the next list has what we wrote: at ``version``, or ("") nobody knows at which."""
        for (path, _, _), known in self._known.items():
            if known.watch is not None and paths.resource(path) == (group, plural):
                known.watch.await_version(version)

    async def close(self) -> None:
        watches = [known.watch for known in self._known.values() if known.watch]
        self._known.clear()
        for watch in watches:
            await watch.close()

    async def read(self, path: str, make: Make[T], accept: str = pages.JSON, selector: str = "") -> Snapshot[T]:
        """Every item (of those with some labels) as ``make`` gives it, the same function each time for one list."""
        place = (path, accept, selector)
        known = self._known.get(place)
        if known is not None and known.watch is not None:
            if await known.watch.current():
                if known.watch.take_changes():
                    known.snapshot = _snapshot(known.watch.entries)
                return known.snapshot
            await self._drop(place)
            known = None
        listed = await self._listed(path, make, accept, selector)
        versions = tuple(listed.versions)
        if known is not None and known.versions == versions:
            return known.snapshot
        snapshot: Snapshot[T] = _snapshot(listed.entries)
        if self._stays:
            self._known[place] = self._followed(place, listed, make) or _Known(snapshot, versions)
            self._known[place].snapshot = snapshot
        return snapshot

    async def read_once(self, path: str, make: Make[T], accept: str = pages.JSON) -> Snapshot[T]:
        """Every item as it is now; nothing is kept."""
        return _snapshot((await self._listed(path, make, accept)).entries)

    def _followed(self, place: _Place, listed: _Listed, make: Make[Any]) -> _Known | None:
        running = sum(known.watch is not None for known in self._known.values())
        path, accept, selector = place
        enough = 1 if accept == pages.METADATA_ONLY else WATCHED_FROM
        if listed.count < enough or running >= WATCHES or place in self._refused:
            return None
        form = accept.replace("List;", ";")
        watch = Watch(self._transport, path, form, listed.version, listed.entries, make, selector)
        return _Known(Snapshot(), watch=watch)

    async def _drop(self, place: _Place) -> None:
        watch = self._known.pop(place).watch
        if watch is not None:
            await watch.close()
            if watch.refused:
                self._refused.add(place)

    async def _listed(self, path: str, make: Make[Any], accept: str, selector: str = "") -> _Listed:
        """A list that expires while it is paged through is begun anew, at last unpaged."""
        chosen = {"labelSelector": selector} if selector else {}
        for _ in range(RESTARTS):
            try:
                return await self._pages(path, {"limit": str(PAGE), **chosen}, make, accept)
            except ClusterError as error:
                if error.status != 410:
                    raise
        return await self._pages(path, chosen, make, accept)

    async def _pages(self, path: str, query: dict[str, str], make: Make[Any], accept: str) -> _Listed:
        """Page by page into what is kept, so that no more than one page is held as it came."""
        listed = _Listed()
        after = ""
        while True:
            answer = await self._transport.get(path, query | ({"continue": after} if after else {}), accept)
            page = pages.page(answer)
            for raw in page.items or ():
                self._take(listed, pages.item(replace(answer, body=bytes(raw))), make)
            listed.version, after = page.metadata.resource_version, page.metadata.continue_
            if not after:
                return listed

    def _take(self, listed: _Listed, item: pages.Item, make: Make[Any]) -> None:
        listed.count += 1
        if self._stays:
            listed.versions.append((*item.name, item.metadata.uid, item.metadata.resource_version))
        made = make(item)
        if made is not None:
            listed.entries[item.name] = made


def _snapshot(entries: dict[Name, T]) -> Snapshot[T]:
    return Snapshot(tuple(entries[name] for name in sorted(entries)))
