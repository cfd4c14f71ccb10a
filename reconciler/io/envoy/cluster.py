"""A folder of proxies as ``reconciler.ports.Cluster``: ``<namespace>/<proxy>/`` holds the files of each.

What lies there is compared and written; what each proxy says of it comes along as the status of its objects.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson

from reconciler.io.directory import layout
from reconciler.io.directory.merge import merged, without
from reconciler.io.envoy import xds
from reconciler.io.envoy.admin import Answer, ask_all, asking
from reconciler.io.envoy.folder import Folder, Lying
from reconciler.io.envoy.identities import Identities, asked_identity
from reconciler.io.envoy.statuses import PROGRESSING, Status, status_of, status_of_start, subscription
from reconciler.io.permit import WRITE_PERMIT
from reconciler.model.facts import ClusterFacts
from reconciler.model.live import LiveObject, Prediction
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.model.rights import Right
from reconciler.ports import (
    Absent,
    ClusterError,
    Conflict,
    Inspection,
    Listing,
    Schemas,
    ServerFailed,
    Written,
)

T = TypeVar("T")


class EnvoyCluster:
    """Files are read and written in a thread, one call at a time; proxies are asked side by side."""

    def __init__(self, name: str, path: Path, authority: Path, lifetime: timedelta) -> None:
        self._name = name
        self._folder = Folder(path)
        self._identities = Identities(self._folder, authority, lifetime)
        self._turn = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        return self._name

    def stay(self) -> None:
        """Nothing is kept: a folder may be changed by anybody."""

    async def inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        """No facts of its own, since Git declares the services; one object that tells which proxies run."""
        proxies = await self._do(self._folder.proxies)
        answers = await self._ask(proxies)
        running = Counter(answer.version for answer in answers.values() if answer.version)
        body = {
            "apiVersion": xds.API_VERSION,
            "kind": "ProxyFolder",
            "metadata": {"name": self._name},
            "spec": {"proxies": dict(sorted(running.items()))},
        }
        return Inspection(ClusterFacts(self._name), (body,))

    async def pods(self, selector: str) -> Sequence[Mapping[str, Any]]:
        return ()

    async def schemas(self, kinds: Sequence[NativeKind]) -> Schemas:
        return {}

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        wanted = {kind.kind.kind for kind in kinds if kind.kind.group == xds.GROUP}
        found = [one for one in await self._do(self._folder.scan) if one.key.kind in wanted]
        answers = await self._ask(await self._do(self._folder.proxies) if found else {})
        absent = frozenset(kind.kind for kind in kinds if kind.kind.group != xds.GROUP)
        return Listing(tuple(self._live(one, answers) for one in sorted(found, key=lambda one: one.key)), absent=absent)

    async def read(self, key: ObjectKey, kind: NativeKind) -> LiveObject | None:
        found = await self._do(lambda: self._folder.find(key))
        return self._live(found, {}) if found else None

    async def predict(self, body: Mapping[str, Any], kind: NativeKind) -> Prediction:
        try:
            found = await self._do(lambda: self._folder.find(xds.key_of(body)))
            return Prediction(merged(body, found.body if found else None, kind))
        except ClusterError as error:
            return Prediction(None, str(error), error.retryable)

    async def apply(self, body: Mapping[str, Any], kind: NativeKind, *, force: bool) -> Written:
        """A folder does not know who wrote a field, so without ``force`` any object that is there is a Conflict."""
        return await self._do(lambda: self._apply(body, kind, force))

    async def remove_fields(self, key: ObjectKey, kind: NativeKind, pointers: Sequence[str], rv: str) -> Written:
        return await self._do(lambda: self._remove_fields(key, pointers, rv))

    async def delete(self, key: ObjectKey, kind: NativeKind, uid: str, rv: str) -> None:
        await self._do(lambda: self._delete(key, rv))

    async def probe(self) -> None:
        """The folder can be listed; one that is not there yet is made by the first write."""
        await self._do(self._folder.proxies)

    async def missing_rights(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        """None is ever missing. Forbidden when the folder cannot be written."""
        await self._do(lambda: layout.check_writable(self._folder.root))
        return ()

    async def identities_due(self, asked: Sequence[Mapping[str, Any]], now: datetime) -> Sequence[str]:
        return await self._do(lambda: self._identities.due(asked, now))

    async def renew_identities(self, names: Sequence[str], asked: Sequence[Mapping[str, Any]], now: datetime) -> None:
        await self._do(lambda: self._identities.renew(names, asked, now))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _do(self, action: Callable[[], T]) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(action)
            except OSError as error:
                raise ServerFailed(f"{error.filename or 'folder'}: {error.strerror}") from error

    async def _ask(self, proxies: Mapping[str, str]) -> Mapping[str, Answer]:
        """``proxies``: administration address by proxy."""
        if self._session is None:
            self._session = asking()
        return await ask_all(self._session, proxies)

    def _live(self, lying: Lying, answers: Mapping[str, Answer]) -> LiveObject:
        place = xds.place_of(lying.key)
        answer = answers.get(place.proxy)
        status = self._status(lying, place, answer) if answer else None
        body = {**lying.body, "status": status} if status else lying.body
        meta = lying.body["metadata"]
        return LiveObject(
            key=lying.key,
            resource_version=lying.version,
            raw=orjson.dumps(body),
            labels=meta.get("labels") or {},
            annotations=meta.get("annotations") or {},
        )

    def _status(self, lying: Lying, place: xds.Place, answer: Answer) -> Status | None:
        folder = self._folder.root / place.proxy
        if lying.key.kind == xds.BOOTSTRAP and not answer.trouble:
            return status_of_start(lying.body["spec"], lying.file_version, answer, folder)
        return status_of(place.file, lying.file_version, place.name, answer, folder)

    def _apply(self, body: Mapping[str, Any], kind: NativeKind, force: bool) -> Written:
        key = xds.key_of(body)
        found = self._folder.find(key)
        wanted = merged(body, found.body if found else None, kind)
        if found is not None:
            _check_version(found, str(body["metadata"].get("resourceVersion") or ""))
            if not force and xds.version_of(wanted) != found.version:
                raise Conflict(f"{key} is there already, with other content", 409)
        if found is not None and xds.version_of(wanted) == found.version:
            return Written(found.version, wanted)
        self._write(key, wanted)
        started = key.kind == xds.BOOTSTRAP and found is not None  # there may be a proxy that read what was there
        told = _unread(wanted) if started else _untaken(key, wanted)
        return Written(xds.version_of(wanted), told, created=found is None)

    def _remove_fields(self, key: ObjectKey, pointers: Sequence[str], rv: str) -> Written:
        found = self._folder.find(key)
        if found is None:
            raise Absent(f"{key} is not there any more", 404)
        _check_version(found, rv)
        wanted = without(found.body, pointers)
        self._write(key, wanted)
        return Written(xds.version_of(wanted), wanted)

    def _write(self, key: ObjectKey, body: Mapping[str, Any]) -> None:
        """A proxy is given its identity with its bootstrap: what it reads next refers to it."""
        WRITE_PERMIT.get()()
        if key.kind == xds.BOOTSTRAP and (identity := asked_identity(body)):
            self._identities.issue(xds.place_of(key).proxy, identity, datetime.now(UTC))
        self._folder.put(key, body)

    def _delete(self, key: ObjectKey, rv: str) -> None:
        found = self._folder.find(key)
        if found is not None:
            _check_version(found, rv)
            WRITE_PERMIT.get()()
            self._folder.remove(key)


def _untaken(key: ObjectKey, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What has just been written, of which nobody asked the proxy yet."""
    file = xds.place_of(key).file
    told = {"state": PROGRESSING, "message": f"the proxy has not taken {file} yet"}
    return {**body, "status": told} if subscription(file) else body


def _unread(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**body, "status": {"state": PROGRESSING, "message": "nobody asked the proxy yet what it runs with"}}


def _check_version(found: Lying, rv: str) -> None:
    if rv and rv != found.version:
        raise Conflict(f"{found.key} was changed by somebody since it was read", 409)
