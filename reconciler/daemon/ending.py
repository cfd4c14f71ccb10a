"""From the signal to the end of the process: what is in hand gets some seconds, what still waits then is cut off.

A thread looks on, so that nothing that blocks (Git, a name server) can hold the process: at last it ends at once, as
``kill -9`` would, after which the next run completes the record.
"""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reconciler.io.git.command import end_running

T = TypeVar("T")
STOP_WITHIN = 6.0  # seconds from the signal until what still waits is cut off
HARD_AFTER = 9.0  # seconds from the signal until the process ends whatever it does
LOOK_EVERY = 0.2


@dataclass
class Ending:
    """Made before the event loop runs; ``over`` is to be called when it has ended."""

    log: Any
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _by: float = 0.0

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """The signal; a second one changes nothing."""
        if not self.asked:
            self._by = asyncio.get_running_loop().time() + STOP_WITHIN
            self._asked.set()
            threading.Thread(target=self._look_on, daemon=True, name="ending").start()

    def over(self) -> None:
        self._over.set()

    @property
    def rest(self) -> float:
        """Seconds until what still waits is cut off."""
        return max(0.0, self._by - asyncio.get_running_loop().time())

    async def bounded(self, task: asyncio.Task[T]) -> bool:
        """Wait for it; true when it had to be cut off after the signal."""
        asked = asyncio.create_task(self._asked.wait())
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not task.done():
            await asyncio.wait({task}, timeout=self.rest)
        if task.done():
            return task.cancelled()
        task.cancel()
        await asyncio.wait({task})
        self.log.warning("cut off", why=f"it did not end within {STOP_WITHIN:g} s of the signal")
        return task.cancelled()

    def _look_on(self) -> None:
        if self._over.wait(STOP_WITHIN):
            return
        for _ in range(round((HARD_AFTER - STOP_WITHIN) / LOOK_EVERY)):
            end_running()
            if self._over.wait(LOOK_EVERY):
                return
        self.log.error("ended at once", why=f"something still blocked {HARD_AFTER:g} s after the signal")
        os._exit(1)
