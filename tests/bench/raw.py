"""Requests sent as fast as one process can over so many connections: the ceiling for every writer."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aiohttp
from yarl import URL

from tests.kube.control_plane import ApiServer

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str  # with its query
    body: bytes
    content_type: str


def send_all(server: ApiServer, calls: Sequence[Call], accepted: Sequence[int] = (200, 201)) -> float:
    """Send them over 16 connections and return the seconds from the first to the last answer."""
    return asyncio.run(_send_all(server, calls, accepted))


async def _send_all(server: ApiServer, calls: Sequence[Call], accepted: Sequence[int]) -> float:
    tls = ssl.create_default_context(cafile=str(server.ca))
    waiting = iter(calls)
    headers = {"Authorization": f"Bearer {server.token('admin')}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=tls, limit=0)) as session:
        started = time.perf_counter()
        await asyncio.gather(*(_worker(session, server.url, waiting, accepted) for _ in range(CONNECTIONS)))
        return time.perf_counter() - started


async def _worker(session: aiohttp.ClientSession, url: str, calls: Iterator[Call], accepted: Sequence[int]) -> None:
    for call in calls:
        target = URL(url + call.path, encoded=True)
        async with session.request(
            call.method, target, data=call.body, headers={"Content-Type": call.content_type}
        ) as answer:
            body = await answer.read()
        if answer.status not in accepted:
            raise RuntimeError(f"{call.method} {call.path}: {answer.status} {body[:300]!r}")
