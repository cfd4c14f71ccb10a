"""What is in a cluster: lists for the plan, an inspection for discovery, one object for a last look."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from reconciler.io.facts import cluster_facts
from reconciler.io.kube import pages, paths
from reconciler.io.kube.crds import Crds
from reconciler.io.kube.discovery import Discovery, Served
from reconciler.io.kube.kinds import CRD, FACT_KINDS, POD
from reconciler.io.kube.transport import Transport
from reconciler.model.live import LiveObject
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.model.rights import HINT
from reconciler.ports import Absent, ClusterError, Forbidden, Inspection, Listing, Unreachable

AT_ONCE = 4
#: what listing one kind came to: its objects, None when it is not served, or what went wrong
Listed = list[LiveObject] | None | ClusterError


class Reader:
    def __init__(self, name: str, transport: Transport, discovery: Discovery) -> None:
        self._name = name
        self._transport = transport
        self._discovery = discovery
        self._lists = pages.Lists(transport)
        self._crds = Crds(transport, self._lists)
        self._slots = asyncio.Semaphore(AT_ONCE)

    def wrote(self) -> None:
        """What is listed next must have what we wrote."""
        self._lists.forget()

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        """One failing kind is unread; raises only when no kind could be asked about, or nobody knows us (401)."""
        kinds = tuple({kind.kind: kind for kind in kinds}.values())
        listed = await self._list(kinds)
        failed = {kind: error for kind, error in listed.items() if isinstance(error, ClusterError)}
        for error in failed.values():
            if error.status == 401 or (isinstance(error, Unreachable) and len(failed) == len(listed)):
                raise error
        found = {kind: objects for kind, objects in listed.items() if isinstance(objects, list)}
        objects = [item for items in found.values() for item in items]
        return Listing(
            objects=tuple(sorted(objects, key=lambda item: item.key)),
            unread={kind: _why_unread(error) for kind, error in sorted(failed.items())},
            absent=frozenset(kind for kind, result in listed.items() if result is None),
            schemas=await self._crds.schemas(kind for kind in kinds if kind.kind in found),
        )

    async def inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        """All or nothing: facts with a part missing would compile to other objects. Kinds not served are left out."""
        known = {kind.kind: kind for kind in (*FACT_KINDS, *kinds) if kind.kind != CRD.kind}
        version, crds = await asyncio.gather(self._discovery.server_version(), self._crds.facts())
        listed = await self._list(known.values())
        bodies: dict[KindId, list[Mapping[str, Any]]] = {}
        for kind, found in listed.items():
            if isinstance(found, ClusterError):
                raise found
            bodies[kind] = [orjson.loads(item.raw) for item in found or ()]
        raw = [body for kind in FACT_KINDS for body in bodies[kind.kind]]
        raw += bodies[POD.kind] if POD.kind in bodies else await self._lone_pods()
        facts = cluster_facts(self._name, raw, version=version, crds=crds)
        asked = sorted({kind.kind for kind in kinds})
        return Inspection(facts, tuple(body for kind in asked for body in bodies.get(kind, ())))

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
            return pages.live_object(pages.checked(answer), kind, version)
        return None

    async def _list(self, kinds: Iterable[NativeKind]) -> dict[KindId, Listed]:
        kinds = tuple(kinds)
        served = await self._discovery.served(kinds)
        results = await asyncio.gather(*(self._list_kind(kind, served[kind.kind]) for kind in kinds))
        return {kind.kind: result for kind, result in zip(kinds, results, strict=True)}

    async def _list_kind(self, kind: NativeKind, version: Served) -> Listed:
        if not isinstance(version, str):
            return version
        async with self._slots:
            try:
                raws = await self._lists.read_all(paths.collection(kind, version))
            except Absent:  # removed since discovery
                return None
            except ClusterError as error:
                return error
        return [pages.live_object(raw, kind, version) for raw in raws]

    async def _lone_pods(self) -> list[Mapping[str, Any]]:
        """Pods without a controller. Most clusters have few among very many, so only metadata is read at first."""
        path = paths.collection(POD, "v1")
        owned = pages.items(await self._lists.read_all(path, pages.METADATA_ONLY))
        lone = [item.metadata for item in owned if not _is_controlled(item)]
        found: list[Mapping[str, Any]] = []
        for namespace in sorted({meta.namespace for meta in lone}):
            names = {meta.name for meta in lone if meta.namespace == namespace}
            raws = await self._lists.read_all(paths.collection(POD, "v1", namespace))
            objects = (pages.live_object(raw, POD, "v1") for raw in raws)
            found += [orjson.loads(item.raw) for item in objects if item.key.name in names]
        return found


def _why_unread(error: ClusterError) -> str:
    return f"{error} ({HINT})" if isinstance(error, Forbidden) and error.status == 403 else str(error)


def _is_controlled(item: pages.Item) -> bool:
    return any(owner.controller for owner in item.metadata.owner_references or ())
