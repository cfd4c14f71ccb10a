"""Echo services over real connections: what they answer, what they are asked to do wrong, and what they remember."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from reconciler.io.local.echo import Echo, echoing
from reconciler.io.local.echo_wishes import WishError, Wishes, wishes_of
from reconciler.ports import OutsideError

V1 = Echo("127.0.0.1", 0, "shop/reviews", "reviews-v1", {"version": "v1"})
V2 = Echo("127.0.0.2", 0, "shop/reviews", "reviews-v2", {"version": "v2"})
DB = Echo("127.0.0.1", 0, "shop/db", "db", protocol="TCP")


class Caller:
    def __init__(self, http: aiohttp.ClientSession, echoes: tuple[Echo, ...]) -> None:
        self._http = http
        self.echoes = echoes

    async def __call__(self, number: int, path: str = "/", method: str = "GET", **more: Any) -> tuple[int, Any]:
        echo = self.echoes[number]
        async with self._http.request(
            method, URL(f"http://{echo.address}:{echo.port}{path}", encoded=True), **more
        ) as answer:
            return answer.status, await answer.json(content_type=None)

    async def headers_of(self, number: int, **more: Any) -> dict[str, str]:
        echo = self.echoes[number]
        async with self._http.get(f"http://{echo.address}:{echo.port}/", **more) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    async with echoing([V1, V2]) as echoes, aiohttp.ClientSession() as http:
        yield Caller(http, echoes)


async def test_a_request_is_answered_with_what_came(call: Caller) -> None:
    headers = {"X-Test": "a", "Host": "reviews.shop"}
    status, seen = await call(0, "/a%20b?x=1&y=%2F", "PUT", data=b"hello", headers=headers)
    assert status == 200
    assert {key: seen[key] for key in ("service", "workload", "labels", "protocol")} == {
        "service": "shop/reviews",
        "workload": "reviews-v1",
        "labels": {"version": "v1"},
        "protocol": "HTTP/1.1",
    }
    assert (seen["method"], seen["path"], seen["query"]) == ("PUT", "/a%20b", "x=1&y=%2F")
    assert (seen["body"], seen["bodyBytes"], seen["try"]) == ("hello", 5, 1)
    assert (seen["headers"]["x-test"], seen["headers"]["host"]) == ("a", "reviews.shop")


async def test_every_method_is_answered(call: Caller) -> None:
    for method in ("GET", "POST", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
        assert (await call(0, method=method))[1]["method"] == method
    assert await call(0, method="HEAD") == (200, None)


async def test_of_a_large_body_the_beginning_is_told(call: Caller) -> None:
    _, seen = await call(0, method="POST", data=b"x" * 900_000)
    assert (len(seen["body"]), seen["bodyBytes"]) == (16 * 1024, 900_000)


async def test_a_status_a_delay_and_headers_are_given_as_asked(call: Caller) -> None:
    asked = {"x-echo-status": "418", "x-echo-delay": "10ms", "x-echo-answer-server": "tea"}
    assert (await call(0, headers=asked))[0] == 418
    answered = await call.headers_of(0, headers=asked)
    assert (answered["server"], answered["x-echo-workload"]) == ("tea", "reviews-v1")
    with pytest.raises(TimeoutError):
        await call(0, headers={"x-echo-delay": "1000s"}, timeout=aiohttp.ClientTimeout(total=0.2))


async def test_a_connection_is_cut_as_asked(call: Caller) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await call(0, method="POST", headers={"x-echo-status": "reset"})
    assert (await call(0))[0] == 200


async def test_the_first_tries_fail_wherever_they_come_to(call: Caller) -> None:
    asked = {"x-echo-fail-first": "2", "x-request-id": "r1"}
    answers = [(await call(number, headers=asked))[0] for number in (0, 1, 0, 1)]
    assert answers == [503, 503, 200, 200]
    assert (await call(0, headers={**asked, "x-request-id": "r2", "x-echo-status": "500"}))[0] == 500
    assert await call(1, "/_echo/tries?id=r1") == (
        200,
        {
            "id": "r1",
            "tries": 4,
            "at": [
                {"service": "shop/reviews", "workload": "reviews-v1", "tries": 2},
                {"service": "shop/reviews", "workload": "reviews-v2", "tries": 2},
            ],
        },
    )
    assert (await call(0, "/_echo/tries?id=never"))[1]["tries"] == 0


async def test_a_failure_can_be_asked_of_one_workload(call: Caller) -> None:
    asked = {"x-echo-status": "500", "x-echo-only": "reviews-v2"}
    assert [(await call(number, headers=asked))[0] for number in (0, 1)] == [200, 500]


async def test_each_echo_tells_the_last_requests_that_it_saw(call: Caller) -> None:
    await call(0, "/one", "POST", data=b"y" * 5000, headers={"host": "reviews-shadow"})
    for number in range(100):
        await call(0, f"/{number}")
    seen = (await call(0, "/_echo/seen"))[1]
    assert [one["path"] for one in seen["seen"]] == [f"/{number}" for number in range(100)]
    await call(1, "/two", "POST", data=b"y" * 5000, headers={"host": "reviews-shadow"})
    mirrored = (await call(1, "/_echo/seen"))[1]["seen"]
    assert [(one["path"], one["headers"]["host"], len(one["body"])) for one in mirrored] == [
        ("/two", "reviews-shadow", 1024)
    ]
    assert (await call(1, "/_echo/other"))[0] == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-echo-status", "99"),
        ("x-echo-status", "many"),
        ("x-echo-delay", "5"),
        ("x-echo-delay", "-1s"),
        ("x-echo-delay", "3601s"),
        ("x-echo-fail-first", "two"),
        ("x-echo-answer-content-length", "1"),
    ],
)
async def test_what_cannot_be_followed_is_told(call: Caller, name: str, value: str) -> None:
    status, answer = await call(0, headers={name: value})
    assert status == 400
    assert answer["error"].startswith(f"{name}: ")


def test_wishes_say_what_each_try_is_answered_with() -> None:
    assert [wishes_of({"x-echo-status": "503"}, "w").status_of(number) for number in (1, 9)] == [503, 503]
    assert [wishes_of({"x-echo-fail-first": "1"}, "w").status_of(number) for number in (1, 2)] == [503, 200]
    assert wishes_of({"x-echo-delay": "1.5s"}, "w") == Wishes(delay=1.5, headers={})
    with pytest.raises(WishError):
        wishes_of({"x-echo-status": "600"}, "w")


async def test_a_tcp_echo_says_who_it_is_and_sends_back_what_comes() -> None:
    async with echoing([DB]) as (db,):
        reader, writer = await asyncio.open_connection(db.address, db.port)
        assert json.loads(await reader.readline()) == {
            "service": "shop/db",
            "workload": "db",
            "labels": {},
            "protocol": "TCP",
        }
        writer.write(b"a" * 200_000)
        assert await reader.readexactly(200_000) == b"a" * 200_000
    assert await reader.read() == b""  # closed with the block, though we did not
    writer.close()


async def test_an_address_in_use_is_told_and_none_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.3", 0)) as probe:
        free = probe.getsockname()[1]
        probe.close()
        first = Echo("127.0.0.3", free, "shop/a", "a")
        second = Echo("127.0.0.1", taken.getsockname()[1], "shop/b", "b")
        with pytest.raises(OutsideError, match=r"b: cannot listen on 127\.0\.0\.1:"):
            async with echoing([first, second]):
                pass
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.3", free)
