"""What a running proxy says of itself at its administration address."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

PATIENCE = 2.0  # seconds for an answer; it is on the same machine or next to it
AT_ONCE = 200  # proxies that are asked side by side; each has an open file for it
_ACCEPTED, _REJECTED = ".version_text", ".update_rejected"
_WARMING = {
    "listener_manager.total_listeners_warming": "listener_manager.lds",
    "cluster_manager.warming_clusters": "cluster_manager.cds",
}
_FILTER = "(version_text|update_rejected|total_listeners_warming|warming_clusters)$"


@dataclass(frozen=True, slots=True)
class Answer:
    """``trouble``: why there is none. ``accepted``: version by subscription, as statistics name it
    (``listener_manager.lds``); ``rejected``: how many updates of it were refused since the start; ``warming``: how much
    of it is taken and not yet in use. ``refusals``: by listener, in the proxy's own words. ``bootstrap``: what it was
    started with; ``overlaid``: and with more on its command line."""

    trouble: str = ""
    version: str = ""
    accepted: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    warming: Mapping[str, int] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    bootstrap: Mapping[str, Any] = field(default_factory=dict)
    overlaid: bool = False


def administration(bootstrap: Any) -> str:
    """host:port as a URL has it, "" where a bootstrap tells none."""
    try:
        place = bootstrap["admin"]["address"]["socket_address"]
        host, port = str(place["address"]), int(place["port_value"])
    except (KeyError, TypeError, ValueError):
        return ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def ask_all(session: aiohttp.ClientSession, proxies: Mapping[str, str]) -> Mapping[str, Answer]:
    """``proxies``: administration address by the id of the proxy. Those that hang keep nobody else from answering."""
    places = asyncio.Semaphore(AT_ONCE)

    async def asked(proxy: str, address: str) -> Answer:
        async with places:
            return await ask(session, address, proxy)

    answers = await asyncio.gather(*(asked(proxy, address) for proxy, address in proxies.items()))
    return dict(zip(proxies, answers, strict=True))


def asking() -> aiohttp.ClientSession:
    """Without a queue of its own: waiting in it would count as waiting for the proxy."""
    return aiohttp.ClientSession(trust_env=False, connector=aiohttp.TCPConnector(limit=0))


async def ask(session: aiohttp.ClientSession, address: str, proxy: str) -> Answer:
    """Never raises for what the proxy does or does not say."""
    try:
        stats = await _get(session, f"http://{address}/stats?format=json&filter={_FILTER}")
        info = await _get(session, f"http://{address}/server_info")
        if (other := _id(info)) != proxy:
            return Answer(f"{other or 'another proxy'} answers at {address}")
        accepted, rejected, warming = _statistics(stats)
        started = _bootstrap(await _get(session, f"http://{address}/config_dump?mask=bootstrap"))
        dump = await _get(session, f"http://{address}/config_dump?resource=dynamic_listeners") if any(
            rejected.values()) else {}  # fmt: skip
    except TimeoutError:
        return Answer(f"no answer within {PATIENCE:g} s")
    except aiohttp.ClientConnectorError as problem:
        return Answer(f"nothing takes connections at {address}: {_why(problem)}")
    except (aiohttp.ClientError, OSError, ValueError) as problem:
        return Answer(str(problem) or type(problem).__name__)
    refusals, overlaid = _refusals(dump), bool((info.get("command_line_options") or {}).get("config_yaml"))
    return Answer("", _version(info), accepted, rejected, warming, refusals, started, overlaid)


async def _get(session: aiohttp.ClientSession, url: str) -> Mapping[str, Any]:
    """Each has its own time: a proxy that has much to tell is not one that hangs."""
    async with asyncio.timeout(PATIENCE), session.get(url) as response:
        response.raise_for_status()
        found = orjson.loads(await response.read())
        if not isinstance(found, dict):
            raise ValueError("the answer is no object")
        return found


def _statistics(found: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, int], dict[str, int]]:
    accepted: dict[str, str] = {}
    rejected: dict[str, int] = {}
    warming: dict[str, int] = {}
    for entry in found.get("stats") or ():
        name, value = str(entry.get("name", "")), entry.get("value")
        if name.endswith(_ACCEPTED):
            accepted[name.removesuffix(_ACCEPTED)] = str(value)
        elif name.endswith(_REJECTED):
            rejected[name.removesuffix(_REJECTED)] = int(value or 0)
        elif name in _WARMING:
            warming[_WARMING[name]] = int(value or 0)
    return accepted, rejected, warming


def _why(problem: aiohttp.ClientConnectorError) -> str:
    number = problem.os_error.errno
    return os.strerror(number) if number else str(problem.os_error)


def _id(info: Mapping[str, Any]) -> str:
    return str((info.get("node") or {}).get("id", ""))


def _version(info: Mapping[str, Any]) -> str:
    """From ``<revision>/<version>/<status>/<build>/<ssl>``."""
    parts = str(info.get("version", "")).split("/")
    return parts[1] if len(parts) > 1 else ""


def _bootstrap(dump: Mapping[str, Any]) -> Mapping[str, Any]:
    """ValueError where there is none."""
    for entry in dump.get("configs") or ():
        if isinstance(found := entry.get("bootstrap"), dict):
            return found
    raise ValueError("it does not tell what it was started with")


def _refusals(dump: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for entry in dump.get("configs") or ():
        state = entry.get("error_state") or {}
        if details := str(state.get("details", "")):
            found[str(entry.get("name", ""))] = details
    return found
