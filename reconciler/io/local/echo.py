"""Many small services in one event loop, each at its own address: they tell who they are and what came to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from aiohttp import web

from reconciler.io.local.echo_http import HttpEcho
from reconciler.io.local.echo_memory import Tries
from reconciler.ports import OutsideError

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Echo:
    """One workload of a service. ``protocol``: HTTP, or TCP, which says who it is in a line of JSON and then echoes."""

    address: str
    port: int
    service: str
    workload: str
    labels: Mapping[str, str] = field(default_factory=dict)
    protocol: str = "HTTP"

    @property
    def who(self) -> dict[str, Any]:
        return {"service": self.service, "workload": self.workload, "labels": dict(self.labels)}


@asynccontextmanager
async def echoing(echoes: Iterable[Echo]) -> AsyncIterator[tuple[Echo, ...]]:
    """Serve until the end of the block; yields them with the ports that they got (0 asks for a free one).

    OutsideError, and none is served, when one of the addresses cannot be had.
    """
    tries = Tries()
    async with AsyncExitStack() as open_ones:
        yield tuple([await _open(echo, tries, open_ones) for echo in echoes])


async def _open(echo: Echo, tries: Tries, open_ones: AsyncExitStack) -> Echo:
    try:
        port = await (_open_tcp(echo, open_ones) if echo.protocol == "TCP" else _open_http(echo, tries, open_ones))
    except OSError as problem:
        words = problem.strerror or str(problem)
        raise OutsideError(f"{echo.workload}: cannot listen on {echo.address}:{echo.port}: {words}") from problem
    return replace(echo, port=port)


async def _open_http(echo: Echo, tries: Tries, open_ones: AsyncExitStack) -> int:
    runner = web.ServerRunner(HttpEcho(echo.who, tries).server(), shutdown_timeout=0.5)
    await runner.setup()
    open_ones.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, echo.address, echo.port).start()
    return int(runner.addresses[0][1])


async def _open_tcp(echo: Echo, open_ones: AsyncExitStack) -> int:
    talks: set[asyncio.Task[None]] = set()

    def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_talk(echo, reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(talk, echo.address, echo.port)

    async def close() -> None:
        server.close()
        for task in tuple(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()

    open_ones.push_async_callback(close)
    return int(server.sockets[0].getsockname()[1])


async def _talk(echo: Echo, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            writer.write(orjson.dumps({**echo.who, "protocol": "TCP"}, option=orjson.OPT_APPEND_NEWLINE))
            while chunk := await reader.read(_CHUNK):
                writer.write(chunk)
                await writer.drain()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
