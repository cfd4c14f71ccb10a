"""A proxy that is to be started again, since it reads its bootstrap at its start only: would it start, and who is still
connected to it."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

from reconciler.io.envoy import xds
from reconciler.io.envoy.admin import administration
from reconciler.io.envoy.binary import find_envoy
from reconciler.io.local.children import ProcessError

#: seconds in which a proxy asks its callers to go: ``--drain-time-s``
DRAIN_TIME = 5
_CHECK_WITHIN = 30.0
_ASK_AGAIN = 0.1
_TOLD = 400  # characters of its words


@dataclass(frozen=True, slots=True)
class Start:
    """What a proxy is started with: ``version`` of its bootstrap, "" where there is none that can be read; where its
    administration will be."""

    version: str
    administration: str


def start_of(folder: Path) -> Start:
    """What lies in the folder of a proxy now."""
    try:
        text = (folder / "bootstrap.json").read_text(encoding="utf-8")
        file = xds.File("/".join(folder.parts[-2:]), "bootstrap.json", text)
        (spec,) = (body["spec"] for _, body in file.bodies())
    except (OSError, ValueError):
        return Start("", "")
    return Start(xds.version_of_start(spec), administration(spec))


async def check_start(folder: Path) -> None:
    """ProcessError, with its words, where the proxy would not start with what lies there."""
    binary = find_envoy()
    if binary is None:
        return
    argv = (str(binary), "--mode", "validate", "-c", "bootstrap.json", "--disable-hot-restart", "-l", "error")
    process = await asyncio.create_subprocess_exec(*argv, cwd=folder, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    try:
        async with asyncio.timeout(_CHECK_WITHIN):
            _, words = await process.communicate()
    except TimeoutError:
        raise ProcessError(f"it did not tell within {_CHECK_WITHIN:g} s whether it would start") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ProcessError(f"it would not start: {words.decode(errors='replace').strip()[-_TOLD:]}")


async def drained(start: Start) -> None:
    """When nobody is connected to the proxy any more, or the time for it is over. It tells its callers with each answer
    that they are to connect anew, and takes connections until then. One that does not answer has nobody to tell."""
    if not start.administration:
        return
    url = f"http://{start.administration}"
    try:
        async with asyncio.timeout(DRAIN_TIME), aiohttp.ClientSession(trust_env=False) as session:
            async with session.post(f"{url}/drain_listeners?graceful") as answer:
                answer.raise_for_status()
            while await _connections(session, url):  # noqa: ASYNC110  # another process tells it when it is asked
                await asyncio.sleep(_ASK_AGAIN)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        return


async def _connections(session: aiohttp.ClientSession, url: str) -> int:
    """To its listeners; those to its administration are our own."""
    async with session.get(f"{url}/stats?format=json&filter=^listener\\..*downstream_cx_active$") as answer:
        answer.raise_for_status()
        stats = orjson.loads(await answer.read())["stats"]
    return sum(int(one["value"]) for one in stats if not one["name"].startswith("listener.admin."))
