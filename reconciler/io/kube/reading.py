"""What is in a cluster: lists for the plan, an inspection for discovery, one object for a last look."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import orjson

from reconciler.io.facts import cluster_facts
from reconciler.io.kube import pages, paths
from reconciler.io.kube.crds import Crds
from reconciler.io.kube.discovery import Discovery, Served
from reconciler.io.kube.images import images
from reconciler.io.kube.kinds import CRD, FACT_KINDS, POD
from reconciler.io.kube.lists import Lists, Snapshot
from reconciler.io.kube.transport import Transport
from reconciler.model.live import LiveObject
from reconciler.model.native import Beside, NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.model.rights import HINT
from reconciler.ports import Absent, ClusterError, Forbidden, Inspection, Listing, Schemas, Unreachable

T = TypeVar("T")
AT_ONCE = 4
Objects = Snapshot[LiveObject]
#: what listing one kind came to: its objects, None when it is not served, or what went wrong
Listed = Objects | None | ClusterError
Body = Mapping[str, Any]
_NOTHING: Objects = Snapshot()


class Bodies(Collection[Body]):
    """Objects that are decoded while they are walked through, and not held decoded."""

    def __init__(self, objects: Sequence[LiveObject]) -> None:
        self._objects = objects

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Body]:
        return (orjson.loads(found.raw) for found in self._objects)

    def __contains__(self, body: object) -> bool:
        return any(body == known for known in self)


@dataclass(frozen=True, slots=True)
class _Read:
    """What was made, and all that it was made from, to be compared with ``same``."""

    of: tuple[Any, ...]
    made: Any


def _same(known: _Read | None, of: tuple[Any, ...]) -> bool:
    return known is not None and len(known.of) == len(of) and all(a is b for a, b in zip(known.of, of, strict=True))


class Reader:
    """While nothing has changed in what a connection that stays has read, it gives the very same value again."""

    def __init__(self, name: str, transport: Transport, discovery: Discovery, lists: Lists) -> None:
        self._name = name
        self._transport = transport
        self._discovery = discovery
        self._lists = lists
        self._crds = Crds(transport, self._lists)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._makers: dict[tuple[KindId, str], Any] = {}
        self._listing: dict[tuple[NativeKind, ...], _Read] = {}
        self._inspection: dict[tuple[NativeKind, ...], _Read] = {}
        self._lone = _Read((), ())
        self._joined: dict[KindId, _Read] = {}

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        """One failing kind is unread; raises only when no kind could be asked about, or nobody knows us (401)."""
        kinds = tuple({kind.kind: kind for kind in kinds}.values())
        schemas, listed = await self._list_beside(self._looked_up(kinds), kinds)
        failed = {kind: error for kind, error in listed.items() if isinstance(error, ClusterError)}
        for error in failed.values():
            if error.status == 401 or (isinstance(error, Unreachable) and len(failed) == len(listed)):
                raise error
        schemas = {place: schema for place, schema in schemas.items() if isinstance(listed[place[0]], Snapshot)}
        of = (*listed.values(), *schemas.values())
        known = self._listing.get(kinds)
        if known is not None and _same(known, of):
            found: Listing = known.made
            return found
        listing = _listing(listed, failed, schemas)
        self._listing = {kinds: _Read(of, listing)}
        return listing

    async def schemas(self, kinds: Sequence[NativeKind]) -> Schemas:
        """Those of the definitions as they were last seen."""
        if self._crds.seen is None:
            await self._crds.versions()
        return await self._crds.schemas(kinds)

    async def pods(self, selector: str) -> Sequence[Body]:
        """The very same value as long as none of them has changed."""
        async with self._slots:
            found = await self._lists.read(paths.collection(POD, "v1"), images, selector=selector)
        return found.items

    async def inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        """All or nothing: facts with a part missing would compile to other objects. Kinds not served are left out."""
        known = {kind.kind: kind for kind in (*kinds, *FACT_KINDS) if kind.kind != CRD.kind}
        look = _together(self._discovery.server_version(), self._crds.facts(), self._lone_pods(known))
        (version, crds, lone), listed = await self._list_beside(look, tuple(known.values()))
        for found in (*listed.values(), lone):
            if isinstance(found, ClusterError):
                raise found
        asked = tuple(sorted({kind.kind: kind for kind in kinds}.values(), key=lambda kind: kind.kind))
        of = (version, crds, lone, *listed.values())
        before = self._inspection.get(asked)
        if before is not None and _same(before, of):
            same: Inspection = before.made
            return same
        about = [kind.kind for kind in (*FACT_KINDS, POD)]
        bodies = [*Bodies([item for kind in about for item in _objects(listed.get(kind))]), *lone]
        facts = cluster_facts(self._name, bodies, version=version, crds=crds)
        shown = Bodies([item for kind in asked for item in _objects(listed.get(kind.kind))])
        defined = self._crds.heads() if any(kind.kind == CRD.kind for kind in kinds) else ()
        made = Inspection(facts, [*shown, *defined] if defined else shown, token=object())
        self._inspection = {asked: _Read(of, made)}
        return made

    async def read(self, key: ObjectKey, kind: NativeKind) -> LiveObject | None:
        """One object as it is now. A version that is no longer served is looked up anew."""
        for fresh in (False, True):
            if fresh:
                self._discovery.forget(kind)
            version = await self._discovery.version(kind)
            if version is None:
                return None
            try:
                answer = await self._transport.get(paths.item(kind, version, key))
            except Absent:
                continue
            return pages.live_object(pages.item(answer), kind, version)
        return None

    async def _looked_up(self, kinds: Sequence[NativeKind]) -> Schemas:
        await self._crds.versions()
        return await self._crds.schemas(kinds)

    async def _list_beside(self, look: Awaitable[T], kinds: Sequence[NativeKind]) -> tuple[T, dict[KindId, Listed]]:
        """A look at the definitions, and beside it the lists: read once more where the look shows that what was known
        to be served may not be any longer."""
        known = self._discovery.knowledge
        seen, listed = await _together(look, self._list(kinds))
        self._discovery.holds_with(self._crds.seen)
        if known is not None and known is not self._discovery.knowledge:
            listed = await self._list(kinds)
        return seen, listed

    async def _list(self, kinds: Sequence[NativeKind]) -> dict[KindId, Listed]:
        """Kinds that are looked at beside others after these."""
        served = await self._discovery.served(kinds)
        found: dict[KindId, Listed] = {}
        for later in (False, True):
            now = [kind for kind in kinds if bool(kind.beside) is later]
            results = await asyncio.gather(*(self._list_some(kind, served[kind.kind], found) for kind in now))
            found |= {kind.kind: result for kind, result in zip(now, results, strict=True)}
        return {kind.kind: found[kind.kind] for kind in kinds}

    async def _list_some(self, kind: NativeKind, version: Served, found: Mapping[KindId, Listed]) -> Listed:
        """A kind everywhere, or in the namespaces of what it is looked at beside."""
        if not kind.beside or not isinstance(version, str):
            return await self._list_kind(kind, version)
        namespaces = _namespaces(kind.beside, found)
        parts = await asyncio.gather(*(self._list_kind(kind, version, namespace) for namespace in namespaces))
        wrong = next((part for part in parts if not isinstance(part, Snapshot)), _NOTHING)
        if not isinstance(wrong, Snapshot) or len(parts) < 2:
            return parts[0] if len(parts) == 1 else wrong
        known = self._joined.get(kind.kind)
        if known is None or not _same(known, tuple(parts)):
            known = _Read(tuple(parts), Snapshot(tuple(item for part in parts for item in _objects(part))))
            self._joined[kind.kind] = known
        joined: Objects = known.made
        return joined

    async def _list_kind(self, kind: NativeKind, version: Served, namespace: str = "") -> Listed:
        if not isinstance(version, str):
            return version
        async with self._slots:
            try:
                return await self._lists.read(paths.collection(kind, version, namespace), self._maker(kind, version))
            except Absent:  # removed since discovery
                self._discovery.forget(kind)
                return None
            except ClusterError as error:
                return error

    def _maker(self, kind: NativeKind, version: str) -> Any:
        """One for each kind and version, whatever else is said of the kind."""
        place = (kind.kind, version)
        if place not in self._makers:
            self._makers[place] = partial(pages.live_object, kind=kind, version=version)
        return self._makers[place]

    async def _lone_pods(self, known: Container[KindId]) -> Sequence[Body] | ClusterError:
        """Pods without a controller, where pods are not listed anyhow."""
        try:
            return () if POD.kind in known else await self._read_lone_pods()
        except ClusterError as error:
            return error

    async def _read_lone_pods(self) -> Sequence[Body]:
        """Most clusters have few among very many, so only metadata is read at first."""
        lone = await self._lists.read(paths.collection(POD, "v1"), _lone_pod, pages.METADATA_ONLY)
        if not _same(self._lone, (lone,)):
            found: list[Body] = []
            for namespace in sorted({namespace for namespace, _, _ in lone.items}):
                names = {name for place, name, _ in lone.items if place == namespace}
                found += await self._pods(namespace, names)
            self._lone = _Read((lone,), tuple(found))
        pods: Sequence[Body] = self._lone.made
        return pods

    async def _pods(self, namespace: str, names: set[str]) -> list[Body]:
        def chosen(item: pages.Item) -> Body | None:
            found: Body = orjson.loads(pages.live_object(item, POD, "v1").raw)
            return found if item.metadata.name in names else None

        return list((await self._lists.read_once(paths.collection(POD, "v1", namespace), chosen)).items)


async def _together(*work: Awaitable[Any]) -> Any:
    """The results of all; when one fails, the others are ended."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _namespaces(beside: Sequence[Beside], found: Mapping[KindId, Listed]) -> list[str]:
    """Where something of what is meant lies."""
    return sorted(
        {
            item.key.namespace
            for one in beside
            for item in _objects(found.get(one.kind))
            if item.labels.get(one.key) == one.value
        }
    )


def _objects(listed: Listed) -> tuple[LiveObject, ...]:
    return listed.items if isinstance(listed, Snapshot) else ()


def _listing(
    listed: Mapping[KindId, Listed], failed: Mapping[KindId, ClusterError], schemas: Mapping[Any, Any]
) -> Listing:
    objects = [item for found in listed.values() for item in _objects(found)]
    return Listing(
        objects=tuple(sorted(objects, key=lambda item: item.key)),
        unread={kind: _why_unread(error) for kind, error in sorted(failed.items())},
        absent=frozenset(kind for kind, result in listed.items() if result is None),
        schemas=schemas,
        token=None if failed else object(),
    )


def _why_unread(error: ClusterError) -> str:
    return f"{error} ({HINT})" if isinstance(error, Forbidden) and error.status == 403 else str(error)


def _lone_pod(item: pages.Item) -> tuple[str, str, str] | None:
    """Namespace, name and version; None for one that is its controller's."""
    controlled = any(owner.controller for owner in item.metadata.owner_references or ())
    return None if controlled else (*item.name, item.metadata.resource_version)
