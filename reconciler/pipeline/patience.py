"""What is in hand when a run is asked to stop gets some seconds to end; then it is cut off where it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

SECONDS = 4.0  # after the run was asked to stop; a stop is to take less than 10 s in all
POLL = 0.25


async def patiently(tasks: Sequence[asyncio.Task[Any]], stop: Callable[[], bool]) -> None:
    """Wait until all tasks are done; those that were cut off are ``cancelled()``. Their errors are left in them."""
    clock = asyncio.get_running_loop().time
    asked_at = None
    try:
        while pending := [task for task in tasks if not task.done()]:
            await asyncio.wait(pending, timeout=POLL)
            asked_at = asked_at or (clock() if stop() else None)
            if asked_at is not None and clock() >= asked_at + SECONDS:
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
