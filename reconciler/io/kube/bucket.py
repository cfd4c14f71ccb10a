"""Spaces requests out: at most ``burst`` at once, then ``rate`` per second, in the order of asking."""

from __future__ import annotations

import asyncio
import math
import time


class Bucket:
    """One per cluster. ``rate`` in requests per second; 0 or less means no limit."""

    def __init__(self, rate: float, burst: int) -> None:
        self._step = 1 / rate if rate > 0 else 0.0
        self._slack = self._step * max(1, burst)
        self._next = -math.inf

    async def take(self) -> None:
        """Return when the next request may be sent; places are reserved at once: first come, first served."""
        now = time.monotonic()
        self._next = max(self._next, now - self._slack) + self._step
        if (wait := self._next - now) > 0:
            await asyncio.sleep(wait)
