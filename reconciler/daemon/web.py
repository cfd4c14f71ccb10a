"""Health and metrics over HTTP: ``/healthz``, ``/readyz``, ``/metrics``. Read only, nothing secret."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from reconciler.daemon.metrics import Metrics
from reconciler.ports import OutsideError


@asynccontextmanager
async def listening(address: str, metrics: Metrics, ready: Callable[[], bool]) -> AsyncIterator[int]:
    """Serve on HOST:PORT until the end of the block; yields the port. Nothing is served for an empty address.

    OutsideError when the address cannot be had.
    """
    if not address:
        yield 0
        return
    runner = web.AppRunner(_app(metrics, ready), access_log=None)
    await runner.setup()
    try:
        await bind(runner, address)
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def bind(runner: web.AppRunner, address: str) -> None:
    """Listen on HOST:PORT; OutsideError when it cannot be had."""
    host, _, port = address.rpartition(":")
    try:
        await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
    except (OSError, ValueError) as problem:
        raise OutsideError(f"cannot listen on {address!r} (HOST:PORT): {problem}") from problem


def _app(metrics: Metrics, ready: Callable[[], bool]) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        if ready():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="the first round has not ended\n")

    async def exposition(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", exposition)])
    return app
