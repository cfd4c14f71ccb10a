"""The folder and the files of the store: for this user only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.ports import StoreError


def prepare_folder(folder: Path) -> None:
    """Create the folder with 0700 when it is not there. StoreError when others could exchange what is in it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StoreError(f"other users may write to {folder}, so nothing in it can be trusted: chmod 700 {folder}")


def prepare_file(path: Path) -> None:
    """Create the file with 0600, or give it that mode. StoreError when it is not a plain file."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        return
    except FileExistsError:
        pass
    # By path and not by descriptor: closing one would drop the locks that this process holds on the database.
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path} is not a plain file; the state store wants a folder of its own")
    if stat.S_IMODE(mode) != 0o600:
        path.chmod(0o600)
