"""A server over HTTPS that has the keys of an issuer, as those of the case ``access-jwt``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import yaml
from aiohttp import web

from tests.behaviour.cases import CASES, FILE
from tests.self_signed import self_signed

PORT = 8443


@asynccontextmanager
async def keys_served(address: str) -> AsyncIterator[bytes]:
    """At ``https://address:8443/keys``, until the end of the block; yields the root of its certificate, as PEM."""
    root, context = self_signed("keys", address)
    app = web.Application()
    app.router.add_get("/keys", _keys)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, PORT, ssl_context=context).start()
        yield root
    finally:
        await runner.cleanup()


async def _keys(_request: web.Request) -> web.Response:
    return web.Response(text=_known(), content_type="application/json")


def _known() -> str:
    case = yaml.safe_load((CASES / "access-jwt" / FILE).read_text())
    policies: list[dict[str, Any]] = list(yaml.safe_load_all(case["given"]))
    (found,) = [one for one in policies if one["metadata"]["name"] == "staff"]
    return str(found["spec"]["jwt"]["providers"][0]["jwks"])
