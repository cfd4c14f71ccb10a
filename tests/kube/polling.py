"""Waits for what a server does a little later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(probe: Callable[[], Awaitable[T]], accept: Callable[[T], bool]) -> T:
    """The first value of ``probe`` that is accepted; an assertion error after ten seconds."""
    for _ in range(200):
        if accept(value := await probe()):
            return value
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {value!r}")
