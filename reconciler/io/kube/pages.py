"""Answers decoded no further than needed: an object stays raw JSON with its key, version and labels beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from reconciler.io.kube.errors import garbage
from reconciler.io.kube.transport import Answer
from reconciler.model.live import LiveObject
from reconciler.model.native import NativeKind
from reconciler.model.refs import ObjectKey

JSON = "application/json"
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


class _Head(msgspec.Struct, rename="camel"):
    metadata: Meta
    api_version: str = ""
    kind: str = ""


class _ListMeta(msgspec.Struct, rename={"continue_": "continue", "resource_version": "resourceVersion"}):
    continue_: str = ""
    resource_version: str = ""


class Page(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


_PAGES = msgspec.json.Decoder(Page)
_HEADS = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Item:
    """One object: its metadata, and all of it as JSON. Core kinds come without their kind in lists."""

    metadata: Meta
    kind: str
    raw: bytes

    @property
    def name(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.metadata.namespace, self.metadata.name


def page(answer: Answer) -> Page:
    found: Page = decoded(_PAGES, answer)
    return found


def item(answer: Answer) -> Item:
    """An answer, or a part of one, that is one object."""
    head: _Head = decoded(_HEADS, answer)
    return Item(head.metadata, head.kind, answer.body)


def decoded(decoder: msgspec.json.Decoder[Any], answer: Answer) -> Any:
    """The decoded body; Unreachable when it is not what an API server would send."""
    try:
        return decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise garbage(answer.host, answer.body) from error


def live_object(item: Item, kind: NativeKind, version: str) -> LiveObject:
    """Core kinds, which come without apiVersion and kind, get them put in front."""
    raw, meta = item.raw, item.metadata
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
