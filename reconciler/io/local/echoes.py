"""The echo services that a file lists, as a program of their own: ``python -m reconciler.io.local.echoes FILE``.

A process beside the reconciler, so that a busy round delays no answer.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from reconciler.io.durable import replace_file
from reconciler.io.local.children import Program
from reconciler.io.local.echo import Echo, echoing
from reconciler.ports import OutsideError

NAME = "services"


def program(file: Path, echoes: Sequence[Echo]) -> Program:
    """What runs these; ``file`` is written, and its log lies beside it. Ready when the last one listens."""

    async def ready() -> bool:
        for echo in echoes[-1:]:
            _reader, writer = await asyncio.open_connection(echo.address, echo.port)
            writer.close()
        return True

    replace_file(file, json.dumps([asdict(echo) for echo in echoes], indent=1).encode())
    argv = (sys.executable, "-m", "reconciler.io.local.echoes", str(file))
    return Program(NAME, argv, file.parent, file.with_suffix(".log"), ready)


async def serve(echoes: Iterable[Echo]) -> None:
    """Until it is told to end."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with echoing(echoes):
        await ended.wait()


if __name__ == "__main__":
    try:
        asyncio.run(serve([Echo(**entry) for entry in json.loads(Path(sys.argv[1]).read_text())]))
    except OutsideError as problem:
        sys.exit(str(problem))
