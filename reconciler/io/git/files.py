"""Documents of a folder on disk as they lie: regular files only, never through a link, bounded in size and number."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from reconciler.io.git.documents import MAX_FILE, MAX_TOTAL, ROOTS, Entry, Kind, refused_content, select
from reconciler.ports import SourceError

_MAX_ENTRIES = 500_000


def read_documents(root: Path, name: str) -> tuple[dict[str, bytes], dict[str, str]]:
    """(files, refused) below the folders of ``root``. SourceError when they are too many or too large."""
    entries: list[Entry] = []
    for entry in _walk(root):
        entries.append(entry)
        if len(entries) > _MAX_ENTRIES:
            raise SourceError(f"{name}: more than {_MAX_ENTRIES} files below {' and '.join(ROOTS)}")
    selection = select(entries)
    files: dict[str, bytes] = {}
    refused = dict(selection.refused)
    total = 0
    for path, holder in selection.read.items():
        content, reason = _read(os.fsencode(root) + b"/" + holder)
        total += len(content)
        if total > MAX_TOTAL:
            raise SourceError(f"{name}: the documents are more than {MAX_TOTAL // 2**20} MiB")
        if reason := reason or refused_content(content):
            refused[path] = reason
        else:
            files[path] = content
    return files, dict(sorted(refused.items()))


def _walk(root: Path) -> Iterator[Entry]:
    base = os.fsencode(root)
    pending = [folder.encode() for folder in ROOTS]
    while pending:
        path = pending.pop()
        full = base + b"/" + path
        try:
            mode = os.lstat(full).st_mode
            if stat.S_ISDIR(mode):
                children = sorted(os.listdir(full))  # noqa: PTH208  names as bytes
                if b".git" in children:
                    yield Entry(path, Kind.NESTED)
                else:
                    pending += [path + b"/" + child for child in children]
                continue
            yield _entry(path, full, mode)
        except FileNotFoundError:
            continue  # not all of the folders need exist, and a file may go while we look
        except OSError as cause:
            yield Entry(path, Kind.UNREADABLE, note=cause.strerror or "unknown error")


def _entry(path: bytes, full: bytes, mode: int) -> Entry:
    if stat.S_ISLNK(mode):
        return Entry(path, Kind.LINK, target=os.readlink(full))  # noqa: PTH115  a target as bytes
    if stat.S_ISREG(mode):
        return Entry(path, Kind.FILE, os.lstat(full).st_size)
    return Entry(path, Kind.SPECIAL)


def _read(full: bytes) -> tuple[bytes, str]:
    """(content, reason to refuse). A file that was swapped for a link or a FIFO since is not followed or waited for."""
    try:
        handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return b"", "not a regular file"
            content = opened.read(MAX_FILE + 1)
    except OSError as cause:
        return b"", f"cannot be read: {cause.strerror}"
    if len(content) > MAX_FILE:
        return b"", f"too large: more than {MAX_FILE // 2**20} MiB"
    return content, ""
