"""What people see: whole words in a narrow terminal, whole lines in a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

import reconciler
from tests.pipeline.conftest import fleet
from tests.pipeline.fleet import Fleet

__all__ = ["fleet"]
ROOT = Path(reconciler.__file__).parents[1]


def command(fleet: Fleet, *arguments: str) -> tuple[list[str], dict[str, str]]:
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    line = [sys.executable, "-m", "reconciler", "--state", str(fleet.folder / "state"), *arguments]
    return line, {**variables, "PYTHONPATH": str(ROOT), "TERM": "xterm"}


def in_a_terminal(fleet: Fleet, columns: int, *arguments: str) -> list[str]:
    """The lines that a terminal of this width is given, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    line, variables = command(fleet, *arguments)
    process = subprocess.Popen(line, stdin=theirs, stdout=theirs, stderr=theirs, cwd=fleet.repo, env=variables)
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # the terminal is gone when the process has ended
        while part := os.read(ours, 65536):
            said += part
    process.wait(30)
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).replace("\r", "").split("\n")


def in_a_pipe(fleet: Fleet, *arguments: str) -> list[str]:
    line, variables = command(fleet, *arguments)
    return subprocess.run(
        line, cwd=fleet.repo, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ).stdout.split("\n")


@pytest.mark.parametrize("arguments", [("audit", "log"), ("status",), ("validate",), ("apply",)])
def test_lines_are_folded_between_words_and_only_in_a_terminal(fleet: Fleet, arguments: tuple[str, ...]) -> None:
    fleet.policy("nobody", "{to: [nobody.shop], rule: {timeout: 1s}}")
    fleet.commit("for nobody")
    fleet.apply()
    narrow, whole = in_a_terminal(fleet, 50, *arguments), in_a_pipe(fleet, *arguments)
    assert max(map(len, whole)) > 60
    words = {word for line in whole for word in line.split()}
    assert all(len(line) <= 50 or len(line.split()) == 1 for line in narrow), narrow
    if arguments != ("apply",):  # each run has an id of its own
        assert {word for line in narrow for word in line.split()} == words
