"""Whole processes: how long they take, how much memory they hold at most, what they print."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

OURS = str(Path(sys.executable).with_name("reconciler"))
#: compiled once, as an installation does; not beside the sources
COMPILED = str(Path(gettempdir()) / f"mesh-reconciler-bench-{os.getuid()}-bytecode")


@dataclass(frozen=True, slots=True)
class Ran:
    seconds: float
    peak: float  # MiB
    out: str


def run(
    argv: Sequence[str], codes: Sequence[int] = (0,), env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Ran:
    """Run a command to its end; RuntimeError with its output when it ends with another code."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": COMPILED, **(env or {})}
    with TemporaryFile() as out, TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said = out.read().decode(errors="replace")
        if process.returncode not in codes:
            trouble = err.read().decode(errors="replace")
            raise RuntimeError(f"{' '.join(argv)}: exit {process.returncode}\n{said[-2000:]}\n{trouble[-3000:]}")
    return Ran(seconds, usage.ru_maxrss / 1024, said)


def inside(*arguments: str) -> list[str]:
    """The command line of a measurement in a process of its own."""
    return [sys.executable, "-m", "tests.bench.inside", *arguments]
