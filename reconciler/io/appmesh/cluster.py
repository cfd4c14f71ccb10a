"""The meshes of one account in one region as ``reconciler.ports.Cluster``: what the API of AWS holds, as objects.

The API has no check-and-set. What lives is read again right before each write, and compared with what the plan has
seen; what somebody writes between that reading and the write is overwritten, and the next round finds what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.io.appmesh import catalog, writing
from reconciler.io.appmesh.bodies import Held, router_of, wanted
from reconciler.io.appmesh.client import Client
from reconciler.io.appmesh.kinds import GROUP, MESH, NODE, RESOURCES, ROUTER, SERVICE, kind_id
from reconciler.io.appmesh.reading import Reader
from reconciler.io.appmesh.tags import to_tags
from reconciler.io.directory.merge import merged, without
from reconciler.model.clusters import AwsConnection, ClusterLimits
from reconciler.model.live import LiveObject, Prediction
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.model.rights import Right
from reconciler.ports import Absent, ClusterError, Conflict, Forbidden, Inspection, Listing, Rejected, Schemas, Written

_FACTS = frozenset({MESH, NODE, ROUTER, SERVICE})


class AppMeshCluster:
    """Bodies are in the form of the custom resources of the controller; who wrote a field is not known to AWS."""

    def __init__(self, name: str, connection: AwsConnection, base: Path, limits: ClusterLimits) -> None:
        self._name, self._connection = name, connection
        self._client = Client(connection, base, limits)
        self._reader = Reader(self._client)

    @property
    def name(self) -> str:
        return self._name

    def stay(self) -> None:
        """Descriptions are kept as long as their versions are the same, and nothing else is."""

    async def inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        """Forbidden where a part of the facts may not be seen: what is compiled from half of them would be wrong."""
        asked = {kind.kind.kind for kind in kinds if _is_served(kind)}
        held, unread = await self._reader.held(asked | _FACTS)
        if lacking := dict.fromkeys(why for kind, why in sorted(unread.items()) if kind in _FACTS):
            raise Forbidden("; ".join(lacking), 403)
        itself = catalog.account(self._connection.region, self._connection.account)
        bodies = (one.body() for one in held if one.kind in asked)
        return Inspection(catalog.facts(self._name, held), (itself, *bodies))

    async def pods(self, selector: str) -> Sequence[Mapping[str, Any]]:
        return ()

    async def schemas(self, kinds: Sequence[NativeKind]) -> Schemas:
        return {}

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        """A kind that may not be seen in one of the meshes counts as not read."""
        served = {kind.kind.kind for kind in kinds if _is_served(kind)}
        held, unread = await self._reader.held(served)
        absent = frozenset(kind.kind for kind in kinds if not _is_served(kind))
        found = tuple(sorted((one.live() for one in held), key=lambda one: one.key))
        return Listing(found, {kind_id(kind): why for kind, why in unread.items()}, absent)

    async def read(self, key: ObjectKey, kind: NativeKind) -> LiveObject | None:
        found = await self._reader.one(key)
        return found.live() if found else None

    async def predict(self, body: Mapping[str, Any], kind: NativeKind) -> Prediction:
        """AWS tries nothing out: what it would make of a body is known, whether it refuses it is not."""
        key = _key_of(body)
        try:
            found = await self._found(key)
            result = merged(body, found.body() if found else None, kind)
            wanted(result, key)
            to_tags(result["metadata"])
            return Prediction(result)
        except ClusterError as error:
            return Prediction(None, str(error), error.retryable)

    async def apply(self, body: Mapping[str, Any], kind: NativeKind, *, force: bool) -> Written:
        """Nobody knows who wrote a field, so without ``force`` any object that is there is a Conflict."""
        key = _key_of(body)
        found = await self._found(key)
        seen = str(body["metadata"].get("resourceVersion") or "")
        if found is not None:
            _check_version(found, seen)
            if not force:
                raise Conflict(f"{key} is there already", 409)
        elif seen:
            raise Conflict(f"{key} is not there any more", 409)
        return await self._write(key, merged(body, found.body() if found else None, kind), found)

    async def remove_fields(self, key: ObjectKey, kind: NativeKind, pointers: Sequence[str], rv: str) -> Written:
        found = await self._found(key)
        if found is None:
            raise Absent(f"{key} is not there any more", 404)
        _check_version(found, rv)
        return await self._write(key, without(found.body(), pointers), found)

    async def delete(self, key: ObjectKey, kind: NativeKind, uid: str, rv: str) -> None:
        found = await self._found(key)
        if found is None:
            return
        if uid and uid != found.uid:
            raise Conflict(f"{key} is another one than was read", 409)
        _check_version(found, rv)
        await self._check_unused(key)
        await writing.delete(writing.Writes(self._client, key.name), await self._reader.place(key), found)

    async def probe(self) -> None:
        """An answer without the right to list is one, too."""
        try:
            await self._client.ask("list_meshes", limit=1)
        except Forbidden:
            return

    async def missing_rights(self, asked: Sequence[Right]) -> tuple[Right, ...]:
        """AWS does not tell what a policy allows; the first write that is refused names what it lacks."""
        return ()

    async def close(self) -> None:
        await self._client.close()

    async def _check_unused(self, key: ObjectKey) -> None:
        """AWS refuses to delete a router that is led to, and by then its routes would be gone."""
        if key.kind != ROUTER:
            return
        led = [one.found for one in await self._reader.services(key.namespace)]
        named = [str(one["virtualServiceName"]) for one in led if router_of(one) == key.name]
        if named:
            told = f"{', '.join(sorted(named))} leads to it, and its routes stay: nobody could call the service without"
            raise Rejected(
                f"{key}: {told}; remove the VirtualService first, or say by a policy where its requests go", 409
            )

    async def _found(self, key: ObjectKey) -> Held | None:
        return await self._reader.one(key)

    async def _write(self, key: ObjectKey, body: Mapping[str, Any], found: Held | None) -> Written:
        asked, tags = wanted(body, key), to_tags(body["metadata"])
        place = await self._reader.place(key)
        writes = writing.Writes(self._client, key.name)
        if found is None:
            await writing.create(writes, place, asked, tags)
        else:
            await writing.update(writes, place, found, asked, tags)
        now = await self._found(key)
        if now is None:
            raise Conflict(f"{key} was removed by somebody as soon as it was written", 409)
        return Written(now.version, now.body(), created=found is None)


def _is_served(kind: NativeKind) -> bool:
    return kind.kind.group == GROUP and kind.kind.kind in RESOURCES


def _key_of(body: Mapping[str, Any]) -> ObjectKey:
    meta = body["metadata"]
    group = str(body["apiVersion"]).partition("/")[0]
    return ObjectKey(group, str(body["kind"]), str(meta.get("namespace") or ""), str(meta["name"]))


def _check_version(found: Held, rv: str) -> None:
    if rv and rv != found.version:
        raise Conflict(f"{found.key} was changed by somebody since it was read", 409)
