"""An echo service over HTTP/1.1: a request is answered with what came, as JSON, unless its headers ask for a failure.

``GET /_echo/tries?id=ID`` tells how often a request (``x-request-id``) was tried, and where; ``GET /_echo/seen`` the
last requests of this echo, mirrored ones among them. Neither is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from reconciler.io.local.echo_memory import Seen, Tries
from reconciler.io.local.echo_wishes import RESET, WishError, wishes_of

LARGEST_BODY = 16 * 1024  # bytes that are told of; all of them are read
#: longer than proxies keep idle connections, so that it is never us who closes one that is about to be used
_KEEP_ALIVE = 3900.0


class HttpEcho:
    """Answers for one workload of a service. ``who`` is told in every answer."""

    def __init__(self, who: Mapping[str, Any], tries: Tries) -> None:
        self._who = who
        self._service, self._workload = str(who["service"]), str(who["workload"])
        self._tries = tries
        self._seen = Seen()

    def server(self) -> web.Server:
        return web.Server(self._answer, keepalive_timeout=_KEEP_ALIVE, access_log=None, handler_cancellation=True)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/_echo/"):
            return self._remembered(request)
        record = {**self._who, "peer": _peer(request), **await _record(request)}
        self._seen.add(record)
        number = self._tries.add(request.headers.get("x-request-id", ""), self._service, self._workload)
        try:
            wishes = wishes_of(request.headers, self._workload)
        except WishError as problem:
            return _json({"error": str(problem)}, 400)
        await asyncio.sleep(wishes.delay)
        status = wishes.status_of(number)
        if status == RESET:
            return _cut(request)
        return _json({**record, "try": number}, status, {"x-echo-workload": self._workload, **(wishes.headers or {})})

    def _remembered(self, request: web.BaseRequest) -> web.Response:
        match request.method, request.path:
            case "GET", "/_echo/tries":
                return _json(self._tries.of(request.query.get("id", "")))
            case "GET", "/_echo/seen":
                return _json({**self._who, "seen": self._seen.all()})
        return _json({"error": "there are GET /_echo/tries?id=ID and GET /_echo/seen"}, 404)


def _peer(request: web.BaseRequest) -> str:
    """The other end of the connection: the same for requests that share one."""
    found = request.transport.get_extra_info("peername") if request.transport else None
    return f"{found[0]}:{found[1]}" if found else ""


async def _record(request: web.BaseRequest) -> dict[str, Any]:
    body, size = await _body(request)
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    version = request.version
    return {
        "protocol": f"HTTP/{version.major}.{version.minor}",
        "method": request.method,
        "path": request.rel_url.raw_path,
        "query": request.rel_url.raw_query_string,
        "headers": headers,
        "body": body.decode(errors="replace"),
        "bodyBytes": size,
    }


async def _body(request: web.BaseRequest) -> tuple[bytes, int]:
    """The beginning of it, and how long it is."""
    kept, size = bytearray(), 0
    async for chunk in request.content.iter_any():
        kept += chunk[: LARGEST_BODY - len(kept)]
        size += len(chunk)
    return bytes(kept), size


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)  # goes nowhere


def _json(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    text = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    if status in (204, 205, 304):
        return web.Response(status=status, headers=headers)
    return web.Response(body=text, status=status, headers=headers, content_type="application/json")
