"""Asks what a case asks, and says what was not as it had to be. Shares are held to what chance allows."""

from __future__ import annotations

import asyncio
import json
import math
import re
import ssl
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from tests.behaviour.cases import Ask
from tests.behaviour.talk import talk

AT_ONCE = 16
LOOKS = 30  # a tenth of a second apart, for copies that are still under way
#: deviations from the mean that chance makes once in a million times
ALLOWED = 5.0


@dataclass(frozen=True)
class Seen:
    """One answer, of status 0 where there was none. ``told``: what the service said that it was asked; empty where no
    service answered. ``tries``: how many requests of this one reached a service; ``mirrored``: the workloads that got a
    copy."""

    status: int
    headers: Mapping[str, str]
    body: str
    seconds: float
    told: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 0
    mirrored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Door:
    """Where an ask goes in, and where the services can be asked what they saw."""

    url: str
    services: Mapping[str, str]
    tls: ssl.SSLContext | None = None


async def ask(session: aiohttp.ClientSession, one: Ask, door: Door) -> list[Seen]:
    if one.wait:
        await asyncio.sleep(one.wait)
    turn = asyncio.Semaphore(1 if one.in_turn else AT_ONCE)
    ids = [uuid.uuid4().hex for _ in range(one.times)]
    if one.tcp and not one.request:
        return list(await asyncio.gather(*(_talked(one, door, turn) for _ in ids)))
    found = await asyncio.gather(*(_one(session, one, door, turn, each) for each in ids))
    if not {"tries", "mirrored"} & set(one.expect):
        return list(found)
    (place, *_) = door.services.values()
    for _ in range(LOOKS if "mirrored" in one.expect else 1):
        seen = [await _with_tries(session, each, place, mark, one.to) for each, mark in zip(found, ids, strict=True)]
        if "mirrored" not in one.expect or not list(_mirrored(one.expect["mirrored"], seen)):
            break
        await asyncio.sleep(0.1)  # nobody waits for a copy, so it may arrive after the answer
    return seen


async def _one(session: aiohttp.ClientSession, one: Ask, door: Door, turn: asyncio.Semaphore, mark: str) -> Seen:
    headers = {"host": one.to, "x-request-id": mark, **one.headers}
    async with turn:
        started = time.perf_counter()
        timeout = aiohttp.ClientTimeout(total=30)
        try:
            async with session.request(
                one.method, door.url + one.path, headers=headers, data=one.body or None, allow_redirects=False,
                timeout=timeout, skip_auto_headers=("User-Agent", "Accept"), ssl=door.tls or True,
                server_hostname=one.tls.get("name"),
            ) as answer:  # fmt: skip
                body = await answer.text()
        except aiohttp.ClientConnectionError as problem:
            return Seen(0, {}, str(problem), time.perf_counter() - started)
        seconds = time.perf_counter() - started
        await asyncio.sleep(one.pause)
    told = _told(body)
    return Seen(answer.status, {key.lower(): value for key, value in answer.headers.items()}, body, seconds, told)


async def _talked(one: Ask, door: Door, turn: asyncio.Semaphore) -> Seen:
    async with turn:
        who, said, seconds = await talk(door.url, one.body)
        return Seen(200 if who else 0, {}, said, seconds, who)


def _told(body: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "workload" in found else {}


async def _with_tries(session: aiohttp.ClientSession, seen: Seen, place: str, mark: str, to: str) -> Seen:
    async with session.get(f"{place}/_echo/tries", params={"id": mark}) as answer:
        places = (await answer.json())["at"]
    service = ".".join(to.partition(":")[0].split(".")[:2])
    own = sum(each["tries"] for each in places if each["service"] == service)
    return replace(seen, tries=own, mirrored=tuple(each["workload"] for each in places if each["service"] != service))


def complaints(one: Ask, seen: Sequence[Seen]) -> list[str]:
    """What was expected and not observed, in words."""
    found = []
    for what, wanted in one.expect.items():
        found += [f"{one.request} from {one.by}: {words}" for words in CHECKS[what](wanted, seen)]
    return found


def _shares(values: Sequence[str], wanted: Any) -> Iterator[str]:
    """``wanted``: one value for all, or a percentage by value."""
    counts = Counter(values)
    shares = {str(key): float(value) for key, value in wanted.items()} if isinstance(wanted, Mapping) else {
        str(wanted): 100.0}  # fmt: skip
    for value in sorted({*counts, *shares}):
        share, count = shares.get(value, 0.0) / 100, counts[value]
        mean = share * len(values)
        if abs(count - mean) > ALLOWED * math.sqrt(mean * (1 - share)) + (0 if share in (0, 1) else 1):
            yield f"{value}: {count} of {len(values)}, expected {share:.0%}; all: {dict(counts)}"


def _status(wanted: Any, seen: Sequence[Seen]) -> Iterator[str]:
    yield from _shares([str(one.status) for one in seen], wanted)


def _exactly(wanted: Mapping[int, int], seen: Sequence[Seen]) -> Iterator[str]:
    """How many answers had each status."""
    counts = Counter(one.status for one in seen)
    if counts != Counter(wanted):
        yield f"the answers were {dict(counts)}, not {dict(wanted)}"


def _workload(wanted: Any, seen: Sequence[Seen]) -> Iterator[str]:
    yield from _shares([str(one.told.get("workload", "nobody")) for one in seen], wanted)


def _one_workload(wanted: bool, seen: Sequence[Seen]) -> Iterator[str]:
    """Whether all requests went to one and the same workload."""
    names = {str(one.told.get("workload", "nobody")) for one in seen}
    if (len(names) == 1) is not wanted:
        yield f"went to {sorted(names)}"


def _headers(wanted: Mapping[str, Any], found: Mapping[str, str], what: str) -> Iterator[str]:
    for name, value in wanted.items():
        if (found.get(name.lower()) != str(value)) if value is not None else (name.lower() in found):
            yield f"{what} header {name} is {found.get(name.lower())!r}, not {value!r}"


def _response(wanted: Mapping[str, Any], seen: Sequence[Seen]) -> Iterator[str]:
    for one in seen:
        yield from _headers(wanted, one.headers, "response")


def _response_like(wanted: Mapping[str, str], seen: Sequence[Seen]) -> Iterator[str]:
    """Headers whose whole value meets an expression."""
    for one in seen:
        for name, expression in wanted.items():
            if not re.fullmatch(expression, one.headers.get(name.lower(), "")):
                yield f"response header {name} is {one.headers.get(name.lower())!r}, not like {expression!r}"


def _request(wanted: Mapping[str, Any], seen: Sequence[Seen]) -> Iterator[str]:
    for one in seen:
        told = {str(key).lower(): str(value) for key, value in dict(one.told.get("headers") or {}).items()}
        yield from _headers(wanted, told, "request")


def _path(wanted: str, seen: Sequence[Seen]) -> Iterator[str]:
    """With the query where one is expected."""
    for one in seen:
        query = f"?{one.told.get('query')}" if "?" in wanted else ""
        if f"{one.told.get('path')}{query}" != wanted:
            yield f"the service saw the path {one.told.get('path')!r}{query}, not {wanted!r} ({one.status})"


def _body(wanted: str, seen: Sequence[Seen]) -> Iterator[str]:
    yield from (f"the body is {one.body!r}, not {wanted!r}" for one in seen if one.body != wanted)


def _seconds(wanted: Mapping[str, float], seen: Sequence[Seen]) -> Iterator[str]:
    for one in seen:
        if not wanted.get("least", 0) <= one.seconds <= wanted.get("most", math.inf):
            yield f"took {one.seconds:.2f} s, not {dict(wanted)}"


def _slow(wanted: Mapping[str, float], seen: Sequence[Seen]) -> Iterator[str]:
    """Percentage of requests that took at least so long."""
    values = ["slow" if one.seconds >= wanted["least"] else "quick" for one in seen]
    yield from _shares(values, {"slow": wanted["percent"], "quick": 100 - wanted["percent"]})


def _slowest(wanted: Mapping[str, float], seen: Sequence[Seen]) -> Iterator[str]:
    yield from _seconds(wanted, [max(seen, key=lambda one: one.seconds)])


def _connections(wanted: int, seen: Sequence[Seen]) -> Iterator[str]:
    """Over how many connections the service was asked: those of its own proxy where it has one."""
    peers = {str(one.told.get("peer")) for one in seen}
    if len(peers) != wanted:
        yield f"came over {len(peers)} connections, not {wanted}"


def _contains(wanted: str, seen: Sequence[Seen]) -> Iterator[str]:
    yield from (f"the body {one.body!r} has no {wanted!r}" for one in seen if wanted not in one.body)


def _tries(wanted: Any, seen: Sequence[Seen]) -> Iterator[str]:
    yield from _shares([str(one.tries) for one in seen], wanted)


def _mirrored(wanted: Mapping[str, float], seen: Sequence[Seen]) -> Iterator[str]:
    """Percentage of requests of which a workload got a copy."""
    for name, percent in wanted.items():
        values = ["copied" if name in one.mirrored else "not" for one in seen]
        yield from (f"{name}: {words}" for words in _shares(values, {"copied": percent, "not": 100 - percent}))


def _identity(wanted: str, seen: Sequence[Seen]) -> Iterator[str]:
    """The caller as the service is told by its proxy."""
    for one in seen:
        told = str((one.told.get("headers") or {}).get("x-forwarded-client-cert", ""))
        if f"URI={wanted}" not in told:
            yield f"the service was told {told!r}, not {wanted}"


def _locations(wanted: str, seen: Sequence[Seen]) -> Iterator[str]:
    yield from _response({"location": wanted}, seen)


CHECKS: Mapping[str, Callable[[Any, Sequence[Seen]], Iterator[str]]] = {
    "status": _status,
    "workload": _workload,
    "one-workload": _one_workload,
    "response": _response,
    "response-like": _response_like,
    "request": _request,
    "path": _path,
    "body": _body,
    "seconds": _seconds,
    "slow": _slow,
    "slowest": _slowest,
    "exactly": _exactly,
    "contains": _contains,
    "connections": _connections,
    "tries": _tries,
    "mirrored": _mirrored,
    "identity": _identity,
    "location": _locations,
}
