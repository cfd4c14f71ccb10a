"""Small files of this user alone (0600): written whole or not at all, durable when a function returns.

All raise OSError.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Create a folder with 0700, and those above it where they are missing; one that is there stays as it is."""
    for part in reversed([folder, *folder.absolute().parents]):
        if not part.is_dir():
            with suppress(FileExistsError):
                part.mkdir(mode=0o700)
            settle(part.parent)


def replace_file(path: Path, content: bytes) -> None:
    """A reader sees the old file or the new one."""
    fresh = _written_beside(path, content)
    try:
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    settle(path.parent)


def create_file(path: Path, content: bytes) -> bool:
    """Whether it was created: False, and nothing is changed, where there is one. Only one of several at once wins."""
    fresh = _written_beside(path, content)
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        return False
    finally:
        fresh.unlink(missing_ok=True)
    settle(path.parent)
    return True


def settle(folder: Path) -> None:
    """A name is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written_beside(path: Path, content: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
