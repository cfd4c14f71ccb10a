"""The custom kinds that a cluster serves, and their schemas; what did not change since the last look is not read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from reconciler.io.facts import crd_facts
from reconciler.io.kube import pages, paths
from reconciler.io.kube.kinds import CRD
from reconciler.io.kube.lists import Lists, Snapshot
from reconciler.io.kube.transport import Transport
from reconciler.model.facts import CrdFacts
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.ports import Absent, Forbidden


class _Schema(msgspec.Struct, rename={"open_api": "openAPIV3Schema"}):
    open_api: dict[str, Any] | None = None


class _Version(msgspec.Struct):
    name: str
    served: bool = True
    storage: bool = False
    schema: _Schema | None = None


class _Spec(msgspec.Struct):
    versions: list[_Version]


class _Crd(msgspec.Struct):
    metadata: pages.Meta
    spec: _Spec


class _SlimVersion(msgspec.Struct):
    name: str
    served: bool = True


class _SlimSpec(msgspec.Struct):
    group: str
    scope: str
    names: dict[str, Any]
    versions: list[_SlimVersion]


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""


class _SlimStatus(msgspec.Struct):
    conditions: list[_Condition] | None = None


class _SlimCrd(msgspec.Struct):
    metadata: pages.Meta
    spec: _SlimSpec
    status: _SlimStatus | None = None
    kind: str = CRD.kind.kind


_CRDS = msgspec.json.Decoder(_Crd)
_SLIM = msgspec.json.Decoder(_SlimCrd)
#: holds all of the definition once more
_WHOLE = "kubectl.kubernetes.io/last-applied-configuration"
_SCHEMAS = dict[tuple[KindId, str], Mapping[str, Any]]
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Head:
    """What is read of every definition: not its schemas."""

    name: str
    version: str
    annotations: Mapping[str, str]

    @property
    def body(self) -> Mapping[str, Any]:
        metadata = {"name": self.name, "resourceVersion": self.version, "annotations": self.annotations}
        return {"apiVersion": CRD.api_version(CRD.versions[0]), "kind": CRD.kind.kind, "metadata": metadata}


class Crds:
    def __init__(self, transport: Transport, lists: Lists) -> None:
        self._transport = transport
        self._lists = lists
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.seen: Snapshot[Head] | None = None
        self._read: Snapshot[Head] | None = None
        self._facts: Mapping[KindId, CrdFacts] = {}
        self._schemas: dict[str, tuple[str, _SCHEMAS]] = {}

    async def versions(self) -> Snapshot[Head] | None:
        """The head of every definition, the very same value while none has changed; None where we may not look. They
        stay as ``seen``."""
        try:
            now = await self._lists.read(paths.collection(CRD, "v1"), _head, pages.METADATA_ONLY)
            self.seen = self.seen if self.seen is not None and self.seen.items == now.items else now
        except (Forbidden, Absent) as error:
            if error.status == 401:
                raise
            self.seen = None
        return self.seen

    def heads(self) -> tuple[Mapping[str, Any], ...]:
        """The definitions ``seen`` as objects of which only the metadata is known."""
        return tuple(head.body for head in self.seen.items) if self.seen else ()

    async def facts(self) -> Mapping[KindId, CrdFacts] | None:
        """What is served of each custom kind; None where we may not look, and so cannot say."""
        if (now := await self.versions()) is None:
            return None
        if now is not self._read:
            slim = await self._lists.read_once(paths.collection(CRD, "v1"), _slim)
            self._facts = crd_facts(slim.items)
            self._read = now
        return self._facts

    async def schemas(self, kinds: Iterable[NativeKind]) -> _SCHEMAS:
        """openAPIV3Schema by kind and served version, of the kinds ``seen`` that have one."""
        wanted = {f"{kind.plural}.{kind.kind.group}": kind for kind in kinds if "." in kind.kind.group}
        now = {head.name: head.version for head in self.seen.items} if self.seen else {}
        served = [(name, kind) for name, kind in sorted(wanted.items()) if name in now]
        each = await asyncio.gather(*(self._schemas_of(name, kind, now[name]) for name, kind in served))
        return {place: schema for schemas in each for place, schema in schemas.items()}

    async def _schemas_of(self, name: str, kind: NativeKind, version: str) -> _SCHEMAS:
        known = self._schemas.get(name)
        if known and known[0] == version:
            return known[1]
        key = ObjectKey(CRD.kind.group, CRD.kind.kind, "", name)
        async with self._slots:
            try:
                answer = await self._transport.get(paths.item(CRD, "v1", key))
            except (Forbidden, Absent):
                return {}
        crd: _Crd = pages.decoded(_CRDS, answer)
        schemas: _SCHEMAS = {
            (kind.kind, entry.name): entry.schema.open_api
            for entry in crd.spec.versions
            if entry.served and entry.schema and entry.schema.open_api
        }
        self._schemas[name] = (crd.metadata.resource_version, schemas)
        return schemas


def _head(item: pages.Item) -> Head:
    said = {key: value for key, value in (item.metadata.annotations or {}).items() if key != _WHOLE}
    return Head(item.metadata.name, item.metadata.resource_version, said)


def _slim(item: pages.Item) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(_SLIM.decode(item.raw))
    return found
