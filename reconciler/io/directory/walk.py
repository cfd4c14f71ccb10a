"""The files of a folder and of all below it, each asked for once, and by what it is told that one is as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: (modified, changed, size, inode): as long as these hold, a file is not read again, and a folder has the same files
Signature = tuple[int, int, int, int]
ABSENT: Signature = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as its folder shows it. ``problem``: what forbids to read it."""

    path: str
    signature: Signature = ABSENT
    problem: str = ""


def walk(root: Path, without: Path | None, noted: dict[str, Signature]) -> Iterator[Entry]:
    """Every ``*.yaml`` below a folder; links are not followed, but not passed over silently when they lead out. Each
    folder and file is asked for once."""
    real = root.resolve()
    left = [str(root)]
    while left:
        folder = left.pop()
        noted[folder] = folder_signature(folder)
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            if entry.is_symlink():
                listed = entry.is_dir() or entry.name.endswith(".yaml")
                if listed and not Path(entry.path).resolve().is_relative_to(real):
                    yield Entry(entry.path, problem="a link that leads out of the folder")
            elif entry.is_dir():
                left += [entry.path] if entry.name != ".git" and entry.path != str(without) else []
            elif entry.name.endswith(".yaml"):
                yield _file(entry)


def _file(entry: os.DirEntry[str]) -> Entry:
    """One that is gone in the meantime has no signature, and is not there when it is to be read."""
    if not entry.is_file(follow_symlinks=False):
        return Entry(entry.path, problem="not a regular file")
    return Entry(entry.path, file_signature(entry.path))


def file_signature(path: Path | str) -> Signature:
    """Of a file, or a link."""
    try:
        return _signature(os.lstat(path))
    except OSError:
        return ABSENT


def folder_signature(path: Path | str) -> Signature:
    """Of a folder, or the one that a link leads to."""
    try:
        return _signature(Path(path).stat())
    except OSError:
        return ABSENT


def _signature(status: os.stat_result) -> Signature:
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
