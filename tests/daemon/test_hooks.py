"""The webhook endpoint over real HTTP: forged, replayed, oversized, slow and very many deliveries."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from reconciler.daemon import hooks
from reconciler.daemon.hooks import BURST, LARGEST, PATH, Hooks
from reconciler.io.forges import Kind, deliveries
from reconciler.model.forges import Delivery, Told
from reconciler.ports.forge import DeliveryRefused
from tests.io.forges import payloads

SECRET = b"s3cret"


def parse(headers: Mapping[str, str], body: bytes) -> tuple[Delivery, ...]:
    """As forges sign: an HMAC of the body."""
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(headers.get("X-Signature", ""), expected):
        raise DeliveryRefused("the signature is wrong", 401)
    return (Delivery(headers.get("X-Id", ""), Told.PUSH, head=json.loads(body)["head"]),)


def signed(body: bytes, number: str = "") -> dict[str, str]:
    return {"X-Signature": hmac.new(SECRET, body, hashlib.sha256).hexdigest(), "X-Id": number}


class Log:
    def __getattr__(self, _level: str) -> Callable[..., None]:
        return lambda *_words, **_values: None


@dataclass
class Endpoint:
    url: str = ""
    time: float = 0.0
    hooks: Any = None
    taken: list[Delivery] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    session: aiohttp.ClientSession = field(default_factory=aiohttp.ClientSession)

    async def post(self, body: Any, headers: Mapping[str, str]) -> int:
        async with self.session.post(self.url, data=body, headers=headers) as answer:
            return answer.status


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    made.hooks = Hooks(parse, made.taken.append, Log(), made.counted.append, lambda: made.time)
    runner = web.AppRunner(made.hooks.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    yield made
    await made.session.close()
    await runner.cleanup()


BODY = b'{"head": "a"}'


@contextlib.contextmanager
def _either() -> Iterator[list[int]]:
    """A sender that goes on writing may see the connection end before it reads the answer."""
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        yield []


async def test_a_signed_delivery_is_taken(endpoint: Endpoint) -> None:
    assert await endpoint.post(BODY, signed(BODY)) == 202
    assert [one.head for one in endpoint.taken] == ["a"]
    assert endpoint.counted == ["202"]


@pytest.mark.parametrize("headers", [{}, {"X-Signature": "0" * 64}, signed(b'{"head": "b"}')])
async def test_a_forged_one_is_refused(endpoint: Endpoint, headers: dict[str, str]) -> None:
    assert await endpoint.post(BODY, headers) == 401
    assert not endpoint.taken


async def test_a_replayed_one_is_taken_once_whatever_its_id(endpoint: Endpoint) -> None:
    answers = [await endpoint.post(BODY, signed(BODY, number)) for number in ("1", "1", "2")]
    assert answers == [202, 200, 200]
    assert len(endpoint.taken) == 1


async def test_a_push_of_two_branches_is_told_of_both(endpoint: Endpoint) -> None:
    body = json.dumps(payloads.cloud_push(*(payloads.cloud_change(name, payloads.NEW) for name in "ab"))).encode()
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    headers = {"X-Event-Key": "repo:push", "X-Request-UUID": "1", "X-Hub-Signature": f"sha256={signature}"}
    endpoint.hooks.parse = lambda given, read: deliveries.parse(Kind.BITBUCKET_CLOUD, given, read, [SECRET.decode()])
    assert [await endpoint.post(body, headers) for _time in range(2)] == [202, 200]
    assert [(one.told, one.branch) for one in endpoint.taken] == [(Told.PUSH, "a"), (Told.PUSH, "b")]
    assert await endpoint.post(body, {**headers, "X-Hub-Signature": "sha256=0"}) == 401


async def test_a_large_one_is_not_even_read(endpoint: Endpoint) -> None:
    size = 100 * 1024 * 1024
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < size:
            sent += 65536
            yield b"x" * 65536

    announced = {**signed(BODY), "Content-Length": str(size)}
    with _either() as got:
        got.append(await endpoint.post(stream(), announced))
    assert set(got) <= {413}
    assert sent < size
    assert not endpoint.taken
    assert await endpoint.post(BODY, signed(BODY)) == 202


async def test_one_that_does_not_say_how_large_it_is_ends_at_the_bound(endpoint: Endpoint) -> None:
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 4 * LARGEST:
            sent += 65536
            yield b"x" * 65536

    with _either() as got:
        got.append(await endpoint.post(stream(), signed(BODY)))
    assert set(got) <= {413}
    assert sent < 4 * LARGEST
    assert not endpoint.taken


async def test_a_thousand_in_a_second_are_absorbed(endpoint: Endpoint) -> None:
    bodies = [json.dumps({"head": str(number)}).encode() for number in range(1000)]
    answers = await asyncio.gather(*(endpoint.post(body, signed(body)) for body in bodies))
    assert set(answers) <= {202, 429, 503}
    assert answers.count(202) == len(endpoint.taken) <= BURST
    assert endpoint.taken
    endpoint.time += 60
    assert await endpoint.post(BODY, signed(BODY)) == 202


async def test_a_slow_one_is_given_up(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "SLOWEST", 0.2)

    async def stream() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    with _either() as got:
        got.append(await asyncio.wait_for(endpoint.post(stream(), signed(BODY)), 20))
    assert set(got) <= {408}
    assert endpoint.counted == ["408"]
    assert await endpoint.post(BODY, signed(BODY)) == 202


async def test_other_ways_and_methods_are_not_there(endpoint: Endpoint) -> None:
    async with endpoint.session.get(endpoint.url) as answer:
        assert answer.status == 405
    async with endpoint.session.post(endpoint.url + "/else", data=BODY) as answer:
        assert answer.status == 404
