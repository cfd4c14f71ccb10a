"""A connection of a service that is no HTTP: the other side says who it is, and then says again what it is told."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from yarl import URL

PATIENCE = 10.0


async def talk(url: str, text: str) -> tuple[dict[str, Any], str, float]:
    """Who answered, what it said after that, and how long it took. Nobody, where the connection ends before."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            who, said = await _talk(URL(url), text)
    except (OSError, TimeoutError):
        who, said = b"", b""
    return (json.loads(who) if who else {}), said.decode(errors="replace"), time.perf_counter() - started


async def _talk(url: URL, text: str) -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        if text:
            writer.write(text.encode())
        who = await reader.readline()
        writer.write_eof()
        return who, await reader.read()
    finally:
        writer.close()
