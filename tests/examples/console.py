"""The ``console`` blocks of a page: its commands are run for real, and what they print is compared with what it shows.

Hashes, ids, times and folders differ from run to run and are compared as such. A line ``…`` stands for any lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY = "…"
DIFFERENT = (
    (re.compile(r"\b01[0-9A-HJKMNP-TV-Z]{24}\b"), "<run>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"(?i:(?<=commit )|(?<=confirm ))[0-9a-f]{7,40}\b"), "<hash>"),  # one in 2,500 has no digit in it
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b|\b\d{8,12}\b"), "<hash>"),
    (re.compile(r"by \S+@\S+:\d+|by \w+ \(manual\)"), "by <somebody>"),
)
OUTCOME = re.compile(r"^(changed|pruned|drifted|reported) +\S+/\S+  ")


@dataclass(frozen=True)
class Step:
    command: str
    shown: str


def steps(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(command, shown)


@dataclass(frozen=True)
class Console:
    """Runs commands in a repository as its page tells: with the command on the path, and state of its own."""

    repo: Path
    state: Path

    def environment(self) -> Mapping[str, str]:
        home = str(self.state)
        who = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": "2026-01-05T10:00:00Z"}  # so each run has one hash
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": home,
            "RECONCILER_STATE": home,
            "COLUMNS": "120",
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()},
        }

    def run(self, command: str) -> tuple[int, str]:
        """Exit code, and both streams as they come."""
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=self.repo,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout

    def printed(self, command: str) -> str:
        """As a page shows it: without the real folder, and with an exit code that is not 0."""
        code, out = self.run(command)
        lines = [line.rstrip() for line in out.replace(str(self.repo), "/tmp/fleet").strip("\n").splitlines()]
        return "\n".join([*lines, *([f"(exit code {code})"] if code else [])])


def comparable(text: str) -> list[str]:
    """Lines without what differs from run to run; neighbouring outcomes in one order: clusters run side by side."""
    for pattern, name in DIFFERENT:
        text = pattern.sub(name, text)
    lines: list[str] = []
    outcomes: list[str] = []
    for line in text.strip("\n").splitlines():
        if OUTCOME.match(line):
            outcomes.append(line)
            continue
        lines += [*sorted(outcomes), line]
        outcomes = []
    return [*lines, *sorted(outcomes)]


def fits(shown: str, printed: str) -> bool:
    wanted = "\n".join("(?:.*\n?)*?" if line == ANY else re.escape(line) for line in comparable(shown))
    wanted = wanted.replace("(?:.*\n?)*?\n", "(?:.*\n)*?")
    return re.fullmatch(wanted, "\n".join(comparable(printed))) is not None


def page_with(page: str, printed: Sequence[str]) -> str:
    """The page with what its commands printed, one after the other, in the place of what did not fit."""
    left = iter(printed)

    def block(found: re.Match[str]) -> str:
        parts = []
        for step, out in zip(steps(found[1]), left, strict=False):
            text = step.shown.rstrip("\n") if fits(step.shown, out) else out
            parts.append(f"$ {step.command}\n" + (f"{text}\n" if text else ""))
        return "```console\n" + "".join(parts) + "```"

    return BLOCK.sub(block, page)
