"""Runs Git plumbing through GitPython's command face, bounded in time and output, cut off from user configuration.

Each command leads a session of its own, so that a hung one is ended with all its children.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from reconciler.io.git.errors import clean
from reconciler.ports import SourceError

_GRACE = 2.0  # seconds that Git gets to remove its lock files before it is killed
_STDERR_LIMIT = 64 * 1024
_OUTPUT_LIMIT = 64 * 1024 * 1024
_KEPT = ("GIT_EXEC_PATH", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")  # say where things are, not what to do

_SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("credential.helper", ""),
    ("transfer.fsckObjects", "true"),
    ("fetch.fsck.nulInCommit", "error"),
    ("gc.auto", "0"),
    ("gc.autoDetach", "false"),
    ("maintenance.auto", "false"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("log.showSignature", "false"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("trailer.separators", ":"),
    ("blame.ignoreRevsFile", ""),
)

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_ALLOW_PROTOCOL": "http:https:ssh:file:git",
    "GIT_PAGER": "cat",
}

_RUNNING: set[int] = set()  # the commands of this process, each the leader of its group


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command sees beside its arguments. ``variables`` may hold secrets and are never shown."""

    settings: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Surroundings({len(self.settings)} settings, {len(self.variables)} variables)"

    def environment(self) -> dict[str, str]:
        settings = (*_SETTINGS, *self.settings)
        environment = {**_ENVIRONMENT, **dict(self.variables), "GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        return environment


@dataclass(frozen=True, slots=True)
class Answer:
    """``err`` is cleaned for people: it holds no secret."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace").strip()


class GitCommand:
    """Git in one folder. ``name`` is how errors call the source, ``timeout`` seconds for each command."""

    def __init__(self, name: str, folder: Path, timeout: float) -> None:
        self.name = name
        self.folder = folder
        self.timeout = timeout

    def run(
        self, arguments: Sequence[str], *, stdin: bytes = b"", around: Surroundings | None = None, limit: int = 0
    ) -> Answer:
        """Run ``git ARGUMENTS``; whatever its status is. SourceError when it took too long, said more than
        ``limit`` bytes (64 MiB unless told), or Git is not installed."""
        around = around or Surroundings()
        with tempfile.TemporaryFile() as feed:
            feed.write(stdin)
            feed.seek(0)
            process = self._start(arguments, feed if stdin else None, around)
            return self._finish(process, arguments[0], limit or _OUTPUT_LIMIT, around)

    def _start(self, arguments: Sequence[str], feed: IO[bytes] | None, around: Surroundings) -> subprocess.Popen[bytes]:
        git, git_error = _gitpython(self.name)
        environment = around.environment()
        command = [*_without_inherited(environment), git.GIT_PYTHON_GIT_EXECUTABLE, *arguments]
        try:
            started = git(self.folder).execute(
                command, istream=feed, as_process=True, env=environment, start_new_session=True
            )
        except (OSError, ValueError, git_error) as cause:
            raise SourceError(f"{self.name}: cannot run git: {clean(str(cause), around.secrets)}") from cause
        process: subprocess.Popen[bytes] = started.proc
        started.proc = None  # ours now: GitPython's wrapper would end it when it is collected
        _RUNNING.add(process.pid)
        return process

    def _finish(self, process: subprocess.Popen[bytes], doing: str, limit: int, around: Surroundings) -> Answer:
        assert process.stdout is not None
        assert process.stderr is not None
        deadline = time.monotonic() + self.timeout
        out = _Reader(process.stdout, limit, on_excess=lambda: _signal(process.pid, signal.SIGKILL))
        err = _Reader(process.stderr, _STDERR_LIMIT, on_excess=None)
        try:
            out.join(self.timeout)
            late = out.is_alive() or not _exited(process.pid, deadline)
        finally:
            _RUNNING.discard(process.pid)  # before it is reaped: its number may then be another's
            _end(process)
            out.join(_GRACE)
            err.join(_GRACE)
        if out.excess:
            raise SourceError(f"{self.name}: git {doing} answers with more than {limit // 2**20} MiB")
        if late:
            raise SourceError(f"{self.name}: git {doing} gave no answer in {self.timeout:g} s", retryable=True)
        words = clean(bytes(err.kept).decode("utf-8", "replace"), around.secrets)
        return Answer(process.returncode, bytes(out.kept), words)


class _Reader(threading.Thread):
    """Reads a stream to its end and keeps the first ``limit`` bytes."""

    def __init__(self, stream: IO[bytes], limit: int, on_excess: Any) -> None:
        super().__init__(daemon=True)
        self._stream, self._limit, self._on_excess = stream, limit, on_excess
        self.kept = bytearray()
        self.excess = False
        self.start()

    def run(self) -> None:
        with self._stream:
            while chunk := self._stream.read1(1 << 20):  # type: ignore[attr-defined]
                self.kept += chunk[: self._limit - len(self.kept) + 1]
                if len(self.kept) > self._limit and not self.excess:
                    self.excess = True
                    if self._on_excess:
                        self._on_excess()


def _exited(pid: int, deadline: float) -> bool:
    """Wait for the end of a child without reaping it, so that its number still names its group."""
    pause = 0.0005
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command, gently first, and every process that it left behind; then reap it."""
    if not _exited(process.pid, time.monotonic()):
        _signal(process.pid, signal.SIGTERM)
        _exited(process.pid, time.monotonic() + _GRACE)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def end_running() -> None:
    """End every command that runs now, with all its children: whoever waits for one gets its error."""
    for group in tuple(_RUNNING):
        _signal(group, signal.SIGKILL)


def _without_inherited(own: Mapping[str, str]) -> list[str]:
    """A prefix that takes away what the caller's environment would tell Git (as inside a hook)."""
    strange = sorted(name for name in os.environ if name.startswith("GIT_") and name not in own and name not in _KEPT)
    return ["env", *(word for name in strange for word in ("-u", name))] if strange else []


@cache
def _load() -> tuple[Any, type[Exception]]:
    from git.cmd import Git  # 300 ms, and needs the git program: only when a repository is read
    from git.exc import GitError

    return Git, GitError


def _gitpython(name: str) -> tuple[Any, type[Exception]]:
    try:
        return _load()
    except ImportError as cause:
        raise SourceError(f"{name}: git is not installed: install it, or name a folder without Git") from cause
