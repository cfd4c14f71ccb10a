"""Lists in pages, decoded no further than needed: each item stays raw JSON with its key, version and labels beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from reconciler.io.kube.errors import garbage
from reconciler.io.kube.transport import Answer, Transport
from reconciler.model.live import LiveObject
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.ports import ClusterError

PAGE = 500
RESTARTS = 2
#: statuses of a server that has not (504) or no longer (410) what happened at a version, or does not take it (400)
_NO_SUCH_VERSION = frozenset({400, 410, 504})
#: asks for names, labels and owners only
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Owner(msgspec.Struct):
    kind: str = ""
    controller: bool = False


class Manager(msgspec.Struct):
    manager: str = ""


class Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[Owner] | None = None
    managed_fields: list[Manager] | None = None


class Item(msgspec.Struct, rename="camel"):
    metadata: Meta
    api_version: str = ""
    kind: str = ""


class _ListMeta(msgspec.Struct, rename={"continue_": "continue", "resource_version": "resourceVersion"}):
    continue_: str = ""
    resource_version: str = ""


class _Page(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


_PAGES = msgspec.json.Decoder(_Page)
_ITEMS = msgspec.json.Decoder(Item)


class Lists:
    """Lists of one cluster. The first of a path is read consistently. The next ones come from the server's memory,
    which costs it a fifth: not older than the one before, and read consistently again after a write of ours."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._seen: dict[tuple[str, str], str] = {}

    def forget(self) -> None:
        """The next lists are read consistently."""
        self._seen.clear()

    async def read_all(self, path: str, accept: str = "application/json") -> list[bytes]:
        """Every item of a list as JSON. A list that expires while it is paged through is begun anew, at last
        unpaged."""
        if since := self._seen.pop((path, accept), ""):
            try:
                query = {"resourceVersion": since, "resourceVersionMatch": "NotOlderThan"}
                return await self._read_pages(path, query, accept)
            except ClusterError as error:
                if error.status not in _NO_SUCH_VERSION:
                    raise
        for _ in range(RESTARTS):
            try:
                return await self._read_pages(path, {"limit": str(PAGE)}, accept)
            except ClusterError as error:
                if error.status != 410:
                    raise
        return await self._read_pages(path, {}, accept)

    async def _read_pages(self, path: str, query: dict[str, str], accept: str) -> list[bytes]:
        items: list[bytes] = []
        after = ""
        while True:
            answer = await self._transport.get(path, query | ({"continue": after} if after else {}), accept)
            page = decoded(_PAGES, answer)
            items.extend(bytes(item) for item in page.items or ())
            after = page.metadata.continue_
            if not after:
                if version := page.metadata.resource_version if "resourceVersion" in query else _newest(items):
                    self._seen[path, accept] = version
                return items


def _newest(raws: Sequence[bytes]) -> str:
    """The version of the last change among the items of a consistent list. The version of the list itself may be one
    that the memory of a kind that nobody changes never reaches, and the server would wait for it in vain."""
    versions = [item.metadata.resource_version for item in items(raws)]
    return max(versions, key=int) if versions and all(version.isdecimal() for version in versions) else ""


def decoded(decoder: msgspec.json.Decoder[Any], answer: Answer) -> Any:
    """The decoded body; Unreachable when it is not what an API server would send."""
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise garbage(answer.host, answer.body) from error


def checked(answer: Answer) -> bytes:
    """The body of an answer that is one object."""
    decoded(_ITEMS, answer)
    return answer.body


def live_object(raw: bytes, kind: NativeKind, version: str) -> LiveObject:
    """One item of a list; core kinds come without apiVersion and kind, which are put in front."""
    item: Item = _ITEMS.decode(raw)
    meta = item.metadata
    if not item.kind:
        head = msgspec.json.encode({"apiVersion": kind.api_version(version), "kind": kind.kind.kind})
        raw = head[:-1] + b"," + raw.lstrip()[1:]
    return LiveObject(
        key=ObjectKey(kind.kind.group, kind.kind.kind, meta.namespace, meta.name),
        resource_version=meta.resource_version,
        raw=raw,
        uid=meta.uid,
        labels=meta.labels or {},
        annotations=meta.annotations or {},
        managers=frozenset(entry.manager for entry in meta.managed_fields or ()),
    )


def items(raws: Sequence[bytes]) -> list[Item]:
    return [_ITEMS.decode(raw) for raw in raws]
