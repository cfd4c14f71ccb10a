"""What proxies write down, in files of their folders."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.behaviour.cases import Logged


@dataclass(frozen=True)
class Written:
    """A file from where it ended before."""

    path: Path
    begins: int = 0

    def text(self) -> str:
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            file.seek(self.begins)
            return file.read().decode()


async def unlogged(wanted: Logged, written: Written) -> list[str]:
    """What was to be written and is not, and what was not to be, in words."""
    text = await _in_time(written, lambda text: all(re.search(line, text) for line in wanted.lines), wanted.within)
    missing = [f"lacks {line!r}" for line in wanted.lines if not re.search(line, text)]
    found = [f"has {line!r}" for line in wanted.never if re.search(line, text)]
    return [
        f"{written.path.name} {f'of {wanted.by} ' if wanted.by else ''}{words}: {text}" for words in (*missing, *found)
    ]


async def _in_time(written: Written, enough: Callable[[str], bool], seconds: float) -> str:
    """A proxy writes when it comes to it."""
    until = time.monotonic() + seconds
    while not enough(text := written.text()) and time.monotonic() < until:  # noqa: ASYNC110  # a file tells nobody
        await asyncio.sleep(0.1)
    return text
