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


class _ListMeta(msgspec.Struct, rename={"continue_": "continue"}):
    continue_: str = ""


class _Page(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


_PAGES = msgspec.json.Decoder(_Page)
_ITEMS = msgspec.json.Decoder(Item)


async def read_all(transport: Transport, path: str, accept: str = "application/json") -> list[bytes]:
    """Every item of a list as JSON. A list that expires while it is paged through is begun anew, at last unpaged."""
    for _ in range(RESTARTS):
        try:
            return await _read_pages(transport, path, {"limit": str(PAGE)}, accept)
        except ClusterError as error:
            if error.status != 410:
                raise
    return await _read_pages(transport, path, {}, accept)


async def _read_pages(transport: Transport, path: str, query: dict[str, str], accept: str) -> list[bytes]:
    items: list[bytes] = []
    after = ""
    while True:
        answer = await transport.get(path, query | ({"continue": after} if after else {}), accept)
        page = decoded(_PAGES, answer)
        items.extend(bytes(item) for item in page.items or ())
        after = page.metadata.continue_
        if not after:
            return items


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
