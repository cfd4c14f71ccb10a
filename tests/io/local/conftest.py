"""Programs that are waited for by the kernel's word, not by time."""

from __future__ import annotations

import os
import select
from collections.abc import Callable

import pytest

BOUND = 60.0  # seconds that nothing but a fault comes near


@pytest.fixture
def ended() -> Callable[[int], bool]:
    """Whether a process, which need not be our child, ends."""

    def wait(pid: int) -> bool:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([handle], [], [], BOUND)[0])
        finally:
            os.close(handle)

    return wait
