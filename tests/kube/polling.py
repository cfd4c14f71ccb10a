"""Waits for what a server does a little later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(probe: Callable[[], Awaitable[T]], accept: Callable[[T], bool]) -> T:
    """The first value of ``probe`` that is accepted; an assertion error after two minutes."""
    end = time.monotonic() + 120
    while not accept(value := await probe()):
        assert time.monotonic() < end, f"still {value!r}"
        await asyncio.sleep(0.05)
    return value
