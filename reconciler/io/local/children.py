"""One child process: started in a group of its own with its output in a file, and ended with all that it started."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import sysconfig
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.io.local import leash
from reconciler.ports import OutsideError

MODE = "exec" if sys.platform == "linux" else "guard"
_TOLD = 4096  # bytes at the end of a log that are shown


class ProcessError(OutsideError):
    """A program cannot be started, or ended before it was ready."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is run. ``ready`` is asked again and again until it says yes; without it, running is ready enough."""

    name: str
    argv: tuple[str, ...]
    folder: Path
    log: Path
    ready: Callable[[], Awaitable[bool]] | None = None


def find_program(name: str) -> Path | None:
    """An executable beside this Python, among the scripts of installed packages, or on the PATH."""
    places = [str(Path(sys.executable).parent), sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]
    found = shutil.which(name, path=os.pathsep.join(places))
    return Path(found) if found else None


async def spawn(program: Program) -> Process:
    """Start it; its words are added to its log. ProcessError when it cannot be."""
    if shutil.which(program.argv[0]) is None:
        raise ProcessError(f"{program.name}: there is no program {program.argv[0]}")
    leashed = [sys.executable, "-I", "-S", leash.__file__, MODE, str(os.getpid()), *program.argv]
    try:
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *leashed,
                cwd=program.folder,
                stdin=DEVNULL if MODE == "exec" else PIPE,
                stdout=log,
                stderr=log,
                process_group=0,  # what is typed at a terminal reaches us alone
            )
    except OSError as problem:
        what = problem.filename or program.argv[0]
        raise ProcessError(f"{program.name} cannot be started: {what}: {problem.strerror}") from problem


async def end(process: Process, patience: float) -> None:
    """Ask it to end, and kill it, with what it started, when that takes longer than ``patience`` seconds.

    Nothing is done about one that has ended: its number may be another's by now.
    """
    if process.returncode is not None:
        return
    _signal(process, signal.SIGTERM)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), patience)
    kill(process)
    await process.wait()


def kill(process: Process) -> None:
    """At once, and what is left of its group; to be called before anything else can have its number."""
    _signal(process, signal.SIGKILL)


def last_words(log: Path) -> str:
    """The end of a log, in one line; "" when it is gone."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TOLD))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "; ".join(line.strip() for line in lines[-3:] if line.strip())


def _signal(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
