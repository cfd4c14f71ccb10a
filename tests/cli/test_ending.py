"""The end of a process: nothing that was said is lost, and what is registered for the end is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

AT_EXIT = """
import atexit, sys
from reconciler.__main__ import leave
atexit.register(print, "done at the end")
print("said before", end=" ")
print("and told", file=sys.stderr, end="")
leave(3)
"""


def test_what_was_said_and_what_is_left_to_do_comes_before_the_end() -> None:
    ran = subprocess.run([sys.executable, "-c", AT_EXIT], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "said before done at the end\n", "and told")


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["aply"], 1)])
def test_the_code_is_that_of_the_command(arguments: list[str], code: int) -> None:
    argv = [sys.executable, "-m", "reconciler", *arguments]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == code
    assert "apply" in ran.stdout + ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_what_cannot_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "reconciler", "--help"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert ran.returncode != 0
    assert b"No space left" in ran.stderr
