"""Writes a first repository from the files of ``starter_files``, and makes its first commit with the user's own git."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from reconciler.ports import OutsideError

FILES = "starter_files"
RENAMED = {"gitignore": ".gitignore"}  # a leading dot would make it count in this repository
TIMEOUT = 60.0  # seconds for one call of git
BRANCH = "main"


class StarterError(OutsideError):
    """The folder cannot be written, or holds something that would be overwritten."""


@dataclass(frozen=True, slots=True)
class Started:
    """``commit`` is the short hash of the first commit; "" where there is none, and then ``reason`` says why."""

    files: tuple[str, ...]
    commit: str = ""
    reason: str = ""


def write_repository(folder: Path, values: Mapping[str, str], *, facts: bool) -> tuple[str, ...]:
    """Write the files with ``$name`` filled in; their paths, sorted. ``facts``: with the folder of the same name.

    StarterError, and nothing is written, when one of them exists in any form.
    """
    made = {path: text for path, text in _rendered(values).items() if facts or not path.startswith("facts/")}
    there = [path for path in made if os.path.lexists(folder / path)]
    if there:
        raise StarterError(f"{folder} already has {', '.join(there)}; nothing was written. Choose another folder")
    try:
        for path, text in made.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as problem:
        raise StarterError(f"cannot write {problem.filename or folder}: {problem.strerror}") from problem
    return tuple(made)


def first_commit(folder: Path, written: tuple[str, ...]) -> Started:
    """Make the folder a repository and commit the files, as the author that git is configured with.

    Nothing is committed within a repository that exists already, without git, or when git refuses.
    """
    if shutil.which("git") is None:
        return Started(written, reason="there is no git here; install it, then: git init && git add . && git commit")
    if _git(folder, "rev-parse", "--is-inside-work-tree").returncode == 0:
        return Started(
            written, reason="it lies in a Git repository that was there before; commit it when you are ready"
        )
    for step in (
        ("init", "--quiet", "--initial-branch", BRANCH),
        ("add", "--", *written),
        ("commit", "--quiet", "--message", "First clusters, mesh and policy"),
    ):
        done = _git(folder, *step)
        if done.returncode:
            return Started(written, reason=_refusal(step[0], done.stderr))
    return Started(written, commit=_git(folder, "rev-parse", "--short", "HEAD").stdout.strip())


def _refusal(step: str, said: str) -> str:
    if "user.email" in said or "user.name" in said:
        return (
            'git does not know who you are. Set git config --global user.name "Your Name" and'
            " git config --global user.email you@example.org, then: git add . && git commit"
        )
    last = (said.strip().splitlines() or ["it did not say why"])[-1]
    return f"git {step} refused: {last}"


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # those of a hook that calls us
        surroundings.pop(name, None)
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise StarterError(f"git {arguments[0]} did not end within {TIMEOUT:.0f} s in {folder}") from late


def _rendered(values: Mapping[str, str]) -> dict[str, str]:
    texts = {RENAMED.get(path, path): file.read_text("utf-8") for path, file in _walk(files(__package__) / FILES)}
    return {path: Template(texts[path]).substitute(values) for path in sorted(texts)}


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _walk(item, f"{prefix}{item.name}/")
        else:
            yield prefix + item.name, item
