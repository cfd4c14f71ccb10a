"""Which version of a kind the server serves, asked of the server's own discovery, which everybody may read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from reconciler.io.kube import pages, paths
from reconciler.io.kube.transport import Transport
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId
from reconciler.ports import Absent, ClusterError


class _Resource(msgspec.Struct):
    name: str
    kind: str


class _Resources(msgspec.Struct):
    resources: list[_Resource]


class _Version(msgspec.Struct, rename="camel"):
    git_version: str = ""


_RESOURCES = msgspec.json.Decoder(_Resources)
_VERSION = msgspec.json.Decoder(_Version)
#: version of a kind, None when it is not served, or why this could not be learnt
Served = str | ClusterError | None


class Discovery:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[KindId, str] = {}
        self._knowledge = object()
        self._under: object = None
        self._version = ""

    @property
    def knowledge(self) -> object:
        """Another value once what was known is given up; None while nothing is known."""
        return self._knowledge if self._known else None

    def holds_with(self, token: object) -> None:
        """What is served stays known while this is the very same value; with None it is asked for each time."""
        if token is None or token is not self._under:
            self._give_up()
        self._under = token

    def _give_up(self) -> None:
        self._known.clear()
        self._knowledge = object()

    async def server_version(self) -> str:
        answer = await self._transport.get("/version")
        version: _Version = pages.decoded(_VERSION, answer)
        if version.git_version != self._version:
            self._version = version.git_version
            self._give_up()
        return self._version

    async def served(self, kinds: Iterable[NativeKind]) -> dict[KindId, Served]:
        """The first of each kind's versions that is served now."""
        kinds = tuple(kinds)
        result: dict[KindId, Served] = {kind.kind: self._known.get(kind.kind) for kind in kinds}
        unknown = [kind for kind in kinds if result[kind.kind] is None]
        asked: dict[str, asyncio.Task[frozenset[tuple[str, str]]]] = {}
        found = await asyncio.gather(*(self._served(kind, asked) for kind in unknown), return_exceptions=True)
        for kind, version in zip(unknown, found, strict=True):
            if isinstance(version, BaseException) and not isinstance(version, ClusterError):
                raise version
            result[kind.kind] = version
            if isinstance(version, str):
                self._known[kind.kind] = version
        return result

    async def version(self, kind: NativeKind) -> str | None:
        """The version to read a kind with, as last known; asked for when it is not known."""
        if kind.kind not in self._known:
            found = (await self.served([kind]))[kind.kind]
            if isinstance(found, ClusterError):
                raise found
        return self._known.get(kind.kind)

    def knows(self, kind: NativeKind) -> bool:
        """Whether a kind was served when this was asked last."""
        return kind.kind in self._known

    def forget(self, kind: NativeKind) -> None:
        self._known.pop(kind.kind, None)

    async def _served(self, kind: NativeKind, asked: dict[str, asyncio.Task[frozenset[tuple[str, str]]]]) -> str | None:
        for version in kind.versions:
            path = paths.group_version(kind.kind.group, version)
            if path not in asked:
                asked[path] = asyncio.ensure_future(self._resources(path))
            if (kind.plural, kind.kind.kind) in await asked[path]:
                return version
        return None

    async def _resources(self, path: str) -> frozenset[tuple[str, str]]:
        try:
            answer = await self._transport.get(path)
        except Absent:
            return frozenset()
        listed: _Resources = pages.decoded(_RESOURCES, answer)
        return frozenset((resource.name, resource.kind) for resource in listed.resources)
