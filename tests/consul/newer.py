"""A server that answers as the API of Consul since 1.9 is documented, where no such server can run here.

What it does follows developer.hashicorp.com: /v1/config with check-and-set for PUT and (since 1.11) DELETE, the
kind service-intentions as an entry with sources by precedence, and X-Consul-Results-Filtered-By-ACLs (since 1.11).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

KINDS = (
    "service-defaults", "service-resolver", "service-splitter", "service-router", "service-intentions",
    "proxy-defaults", "mesh", "exported-services", "jwt-provider",
)  # fmt: skip


class NewerServer:
    """Entries by kind and name. ``filtered``: the token does not see all of a list."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], dict[str, Any]] = {}
        self.index = 10
        self.filtered = False
        self.asked: list[str] = []

    def put(self, entry: dict[str, Any]) -> None:
        self.index += 1
        key = (entry["Kind"], entry.get("Name") or "mesh")
        created = self.entries.get(key, {}).get("CreateIndex", self.index)
        self.entries[key] = _filled(entry) | {"CreateIndex": created, "ModifyIndex": self.index}

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        parts = request.path.removeprefix("/v1/").split("/")
        if parts[0] != "config":
            return web.Response(status=404)
        if request.method == "PUT":
            return self._put(json.loads(await request.text()), request.query.get("cas"))
        if parts[1] not in KINDS:
            return web.Response(status=400, text=f"invalid config entry kind: {parts[1]}")
        if len(parts) == 2:
            found = [entry for (kind, _), entry in sorted(self.entries.items()) if kind == parts[1]]
            headers = {"X-Consul-Results-Filtered-By-ACLs": "true"} if self.filtered else {}
            return web.json_response(found, headers=headers)
        entry = self.entries.get((parts[1], parts[2]))
        if request.method == "DELETE":
            return self._delete((parts[1], parts[2]), request.query.get("cas"))
        return web.json_response(entry) if entry else web.Response(status=404, text="Config entry not found")

    def _put(self, entry: dict[str, Any], cas: str | None) -> web.Response:
        held = self.entries.get((entry["Kind"], entry.get("Name") or "mesh"))
        if cas is not None and int(cas) != (held["ModifyIndex"] if held else 0):
            return web.json_response(False)
        self.put(entry)
        return web.json_response(True)

    def _delete(self, key: tuple[str, str], cas: str | None) -> web.Response:
        held = self.entries.get(key)
        if cas is not None and held is not None and int(cas) != held["ModifyIndex"]:
            return web.json_response(False)
        self.entries.pop(key, None)
        return web.json_response(True if cas is not None else {})


def _filled(entry: dict[str, Any]) -> dict[str, Any]:
    """What a server adds to an entry."""
    if entry["Kind"] == "jwt-provider":
        return {"ClockSkewSeconds": 30} | entry | {"Partition": "default", "Namespace": "default"}
    if entry["Kind"] != "service-intentions":
        return entry | {"Partition": "default", "Namespace": "default"}
    precedence = {True: 8, False: 9}
    sources = [
        source | {"Precedence": precedence[source["Name"] == "*"], "Type": "consul", "Namespace": "default"}
        for source in entry["Sources"]
    ]
    return entry | {"Sources": sorted(sources, key=lambda one: -one["Precedence"])}


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[NewerServer, str]]:
    """The server and its address."""
    server, app = NewerServer(), web.Application()
    app.router.add_route("*", "/{rest:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield server, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
