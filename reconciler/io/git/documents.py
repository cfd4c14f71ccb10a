"""Which files of a tree are documents, and which are refused and why: one rule for Git and for files as they lie.

Documents are ``*.yaml`` and ``*.yml`` (in any case) below ``desired-state/`` and ``policies/``, the key sets
(``*jwks.json``) that these may name, and the native objects below ``manifests/``. A link counts only
when it leads to another document of these folders; what else could hide documents is refused, never skipped.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

ROOTS = ("desired-state", "policies", "manifests")
MAX_FILE = 4 * 1024 * 1024
MAX_TOTAL = 256 * 1024 * 1024
_HOPS = 16
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LFS = b"version https://git-lfs.github.com/spec/"


class Kind(Enum):
    FILE = "file"
    LINK = "link"
    NESTED = "nested"  # a submodule, or a repository inside the repository
    SPECIAL = "special"  # socket, FIFO, device
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Entry:
    """``path`` is relative to the folder of the source; ``target`` of a link; ``note`` why it is unreadable."""

    path: bytes
    kind: Kind
    size: int = 0
    target: bytes = b""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """``read`` maps the path of each document to the entry that holds it (another one for a link)."""

    read: Mapping[str, bytes]
    refused: Mapping[str, str]


def shown(path: bytes) -> str:
    """A path for people: bytes that are not UTF-8 and control characters are escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def is_document(path: bytes) -> bool:
    return path.lower().endswith((b".yaml", b".yml", b"jwks.json"))


def select(entries: Iterable[Entry]) -> Selection:
    """Sort entries into documents to read and paths to refuse; all others are no documents."""
    by_path = {entry.path: entry for entry in entries}
    read: dict[str, bytes] = {}
    refused: dict[str, str] = {}
    for path, entry in sorted(by_path.items()):
        reason, holder = _judge(entry, by_path)
        if reason:
            refused[shown(path)] = reason
        elif holder:
            read[shown(path)] = holder
    return Selection(read, refused)


def refused_content(content: bytes) -> str:
    """Why a document cannot be used although it could be read; "" when it can."""
    if content.startswith(_LFS):
        return "a Git LFS pointer: the content itself is not in the repository; keep documents out of LFS"
    return ""


def _judge(entry: Entry, by_path: Mapping[bytes, Entry]) -> tuple[str, bytes]:
    """(reason to refuse, path of the entry to read); both empty when it is no document."""
    if entry.kind is Kind.NESTED:
        return "a submodule or repository of its own: not followed", b""
    if entry.kind is Kind.UNREADABLE:
        return f"cannot be read: {entry.note}", b""
    if entry.kind is Kind.LINK:
        return _judge_link(entry, by_path)
    if not is_document(entry.path):
        return "", b""
    if entry.kind is Kind.SPECIAL:
        return "not a regular file", b""
    return _judge_file(entry)


def _judge_file(entry: Entry) -> tuple[str, bytes]:
    if _odd_name(entry.path):
        return "its name is not UTF-8 or holds control characters: rename it", b""
    if entry.size > MAX_FILE:
        return f"too large: {entry.size} bytes, more than {MAX_FILE // 2**20} MiB", b""
    return "", entry.path


def _judge_link(entry: Entry, by_path: Mapping[bytes, Entry]) -> tuple[str, bytes]:
    if not _may_hide_documents(entry.path):
        return "", b""
    end = _follow(entry, by_path)
    if end is None:
        return f"a link out of the tree, to {shown(entry.target)}: not followed", b""
    target = by_path.get(end)
    if target is None or target.kind is not Kind.FILE or not is_document(end) or not is_document(entry.path):
        folders = " or ".join(f"{root}/" for root in ROOTS)
        return f"a link to {shown(entry.target)}, which is no document below {folders}: not followed", b""
    if _odd_name(entry.path):
        return "its name is not UTF-8 or holds control characters: rename it", b""
    return _judge_file(target)


def _may_hide_documents(path: bytes) -> bool:
    """A link named like a document or, having no suffix, like a folder."""
    name = posixpath.basename(path)
    return is_document(name) or b"." not in name.lstrip(b".")


def _follow(entry: Entry, by_path: Mapping[bytes, Entry]) -> bytes | None:
    """The path at the end of a chain of links; None when it leaves the folder of the source or goes in a circle."""
    path = entry.path
    for _ in range(_HOPS):
        found = _first_link(path, by_path)
        if found is None:
            return None if path.split(b"/", 1)[0] == b".." else path
        link, rest = found
        if link.target.startswith(b"/"):
            return None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target, rest))
    return None


def _first_link(path: bytes, by_path: Mapping[bytes, Entry]) -> tuple[Entry, bytes] | None:
    """The first link among a path's leading parts, and what follows it."""
    parts = path.split(b"/")
    for length in range(1, len(parts) + 1):
        entry = by_path.get(b"/".join(parts[:length]))
        if entry is not None and entry.kind is Kind.LINK:
            return entry, b"/".join(parts[length:])
    return None


def _odd_name(path: bytes) -> bool:
    try:
        return bool(_UNPRINTABLE.search(path.decode()))
    except UnicodeDecodeError:
        return True
