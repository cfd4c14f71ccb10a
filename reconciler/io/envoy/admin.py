"""What a running proxy says of itself at its administration address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

PATIENCE = 2.0  # seconds for an answer; it is on the same machine or next to it
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
    of it is taken and not yet in use. ``refusals``: by listener, in the proxy's own words."""

    trouble: str = ""
    version: str = ""
    accepted: Mapping[str, str] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    warming: Mapping[str, int] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)


async def ask(session: aiohttp.ClientSession, address: str) -> Answer:
    """``address``: host:port. Never raises for what the proxy does or does not say."""
    try:
        async with asyncio.timeout(PATIENCE):
            stats = await _get(session, f"http://{address}/stats?format=json&filter={_FILTER}")
            info = await _get(session, f"http://{address}/server_info")
            accepted, rejected, warming = _statistics(stats)
            dump = await _get(session, f"http://{address}/config_dump?resource=dynamic_listeners") if any(
                rejected.values()) else {}  # fmt: skip
    except TimeoutError:
        return Answer(f"no answer within {PATIENCE:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as problem:
        return Answer(str(problem) or type(problem).__name__)
    return Answer("", _version(info), accepted, rejected, warming, _refusals(dump))


async def _get(session: aiohttp.ClientSession, url: str) -> Mapping[str, Any]:
    async with session.get(url) as response:
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


def _version(info: Mapping[str, Any]) -> str:
    """From ``<revision>/<version>/<status>/<build>/<ssl>``."""
    parts = str(info.get("version", "")).split("/")
    return parts[1] if len(parts) > 1 else ""


def _refusals(dump: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for entry in dump.get("configs") or ():
        state = entry.get("error_state") or {}
        if details := str(state.get("details", "")):
            found[str(entry.get("name", ""))] = details
    return found
