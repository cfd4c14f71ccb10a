"""Writes: server-side apply and its dry run, removal of foreign fields, guarded deletion."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from reconciler.io.kube import pages, paths
from reconciler.io.kube.discovery import Discovery
from reconciler.io.kube.errors import garbage, lacks_right
from reconciler.io.kube.lists import NOTHING_NEW, Lists
from reconciler.io.kube.reading import Reader
from reconciler.io.kube.transport import Answer, Request, Transport
from reconciler.io.pointers import removal_order
from reconciler.model.live import Prediction
from reconciler.model.native import FIELD_MANAGER, NativeKind
from reconciler.model.refs import ObjectKey
from reconciler.ports import Absent, ClusterError, Conflict, Forbidden, Rejected, Written

_LOOKS, _PAUSE = 20, 0.25  # for a kind that is to be served soon; seconds between two looks


class Writer:
    def __init__(self, transport: Transport, discovery: Discovery, reader: Reader, lists: Lists) -> None:
        self._transport = transport
        self._discovery = discovery
        self._reader = reader
        self._lists = lists

    async def predict(self, body: Mapping[str, Any], kind: NativeKind) -> Prediction:
        try:
            answer = await self._transport.write(_apply_request(body, kind, {"force": "true", "dryRun": "All"}))
            return Prediction(_body(answer))
        except ClusterError as error:
            if lacks_right(error):  # says nothing about the object: the local comparison has to do
                return Prediction(None)
            immutable = isinstance(error, Rejected) and error.immutable
            return Prediction(None, str(error), error.retryable, immutable)

    async def apply(self, body: Mapping[str, Any], kind: NativeKind, *, force: bool) -> Written:
        request = _apply_request(body, kind, {"force": str(force).lower()})
        try:
            return _written(await self._write(request, kind))
        except Absent:
            if self._discovery.knows(kind) or not await self._comes(kind):
                raise
            return _written(await self._write(request, kind))

    async def _comes(self, kind: NativeKind) -> bool:
        """Whether a kind is served soon: its definition may have been written a moment ago."""
        for _ in range(_LOOKS):
            if await self._discovery.version(kind) is not None:
                return True
            await asyncio.sleep(_PAUSE)
        return False

    async def remove_fields(self, key: ObjectKey, kind: NativeKind, pointers: Sequence[str], rv: str) -> Written:
        """The guard is a ``replace`` of resourceVersion, not a ``test``: a stale one is then a 409, where a failed test
        is the same bare 422 as any other patch that does not fit."""
        guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": rv}
        removals = [{"op": "remove", "path": pointer} for pointer in removal_order(pointers)]
        version = await self._version(key, kind)
        request = Request(
            "PATCH",
            paths.item(kind, version, key),
            {"fieldManager": FIELD_MANAGER},
            orjson.dumps([guard, *removals]),
            "application/json-patch+json",
        )
        try:
            return _written(await self._write(request, kind))
        except Rejected as error:
            # What was to be removed may be gone because the object moved: the server checks the paths first.
            live = await self._reader.read(key, kind)
            if live is None:
                raise Absent(f"{key} is not there any more", 404) from error
            if live.resource_version != rv:
                raise Conflict(f"{key} was changed by somebody since it was read", 409) from error
            raise

    async def delete(self, key: ObjectKey, kind: NativeKind, uid: str, rv: str) -> None:
        version = await self._discovery.version(kind)
        if version is None:
            return
        try:
            await self._write(_delete_request(key, kind, version, uid, rv), kind)
        except Absent:
            # Gone, or only no longer served in this version: the second look asks discovery again.
            if await self._reader.read(key, kind) is not None:
                again = await self._version(key, kind)
                await self._write(_delete_request(key, kind, again, uid, rv), kind)

    async def _write(self, request: Request, kind: NativeKind) -> Answer:
        """What is listed next has it, also when the answer is lost. An answer to a deletion does not tell when it is
        done."""
        version = ""
        try:
            answer = await self._transport.write(request)
            if request.method == "PATCH":
                version = pages.item(answer).metadata.resource_version
            return answer
        except (Conflict, Rejected, Forbidden, Absent):
            version = NOTHING_NEW
            raise
        finally:
            self._lists.wrote(kind.kind.group, kind.plural, version)

    async def _version(self, key: ObjectKey, kind: NativeKind) -> str:
        version = await self._discovery.version(kind)
        if version is None:
            raise Absent(f"{key}: the cluster serves no {kind.kind}", 404)
        return version


def _apply_request(body: Mapping[str, Any], kind: NativeKind, options: Mapping[str, str]) -> Request:
    version = str(body["apiVersion"]).rpartition("/")[2]
    meta = body["metadata"]
    key = ObjectKey(kind.kind.group, kind.kind.kind, str(meta.get("namespace", "")), str(meta["name"]))
    query = {"fieldManager": FIELD_MANAGER, **options}
    # JSON is YAML, and the server reads it faster
    return Request("PATCH", paths.item(kind, version, key), query, _json(body), "application/apply-patch+yaml")


def _delete_request(key: ObjectKey, kind: NativeKind, version: str, uid: str, rv: str) -> Request:
    preconditions = {name: value for name, value in (("uid", uid), ("resourceVersion", rv)) if value}
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": preconditions,
        "propagationPolicy": "Background",
    }
    return Request("DELETE", paths.item(kind, version, key), body=orjson.dumps(options))


def _json(body: Mapping[str, Any]) -> bytes:
    """Tuples and other mappings of frozen values are written as lists and objects."""
    return orjson.dumps(body, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def _body(answer: Answer) -> dict[str, Any]:
    try:
        body: dict[str, Any] = orjson.loads(answer.body)
        body["metadata"].pop("managedFields", None)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise garbage(answer.host, answer.body) from error
    return body


def _written(answer: Answer) -> Written:
    body = _body(answer)
    return Written(str(body["metadata"].get("resourceVersion", "")), body, created=answer.status == 201)
