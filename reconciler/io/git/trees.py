"""The files of one commit: one listing of the tree and one batch of objects, whatever the number of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.io.git.documents import MAX_TOTAL, ROOTS, Entry, Kind, refused_content, select
from reconciler.io.git.errors import DamagedRepository
from reconciler.ports import SourceError

_LINK, _SUBMODULE = b"120000", b"160000"
_LINK_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of ``ls-tree -r -z -l``; ``path`` relative to the folder of the source."""

    mode: bytes
    oid: str
    size: int
    path: bytes


def arguments(commit: str, folder: str) -> list[str]:
    """The arguments that list the folders of a commit."""
    prefix = f"{folder}/" if folder else ""
    return ["ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *(prefix + root for root in ROOTS)]


def parse_listing(out: bytes, folder: str) -> list[Listed]:
    """Lines of a listing; entries whose path does not stay below the folder are left out by Git itself."""
    strip = len(folder.encode()) + 1 if folder else 0
    listed = []
    for line in out.split(b"\0"):
        if line:
            meta, _, path = line.partition(b"\t")
            mode, _type, oid, size = meta.split()
            listed.append(Listed(mode, oid.decode(), 0 if size == b"-" else int(size), path[strip:]))
    return listed


def wanted(listed: Iterable[Listed], name: str) -> list[str]:
    """Object ids to read: documents that are not too large, and the targets of links. SourceError when they are
    too much together."""
    sizes: dict[str, int] = {}
    for item in listed:
        is_short_link = item.mode == _LINK and item.size <= _LINK_LIMIT
        if is_short_link or select([_entry(item, {})]).read:
            sizes[item.oid] = item.size
    if sum(sizes.values()) > MAX_TOTAL:
        raise SourceError(f"{name}: the documents are more than {MAX_TOTAL // 2**20} MiB together")
    return sorted(sizes)


def parse_batch(out: bytes, oids: Iterable[str], name: str) -> dict[str, bytes]:
    """The contents in the output of ``cat-file --batch``, by object id. DamagedRepository when one is missing."""
    contents: dict[str, bytes] = {}
    view, at = memoryview(out), 0
    for oid in oids:
        end = out.find(b"\n", at)
        header = out[at:end].split() if end >= 0 else []
        if len(header) != 3 or header[0].decode() != oid:
            raise DamagedRepository(f"{name}: the repository is damaged: object {oid} is missing or cannot be read")
        size = int(header[2])
        contents[oid] = bytes(view[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return contents


def assemble(listed: Iterable[Listed], contents: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, str]]:
    """(files, refused) of a tree."""
    by_path = {item.path: item for item in listed}
    selection = select(_entry(item, contents) for item in by_path.values())
    files: dict[str, bytes] = {}
    refused = dict(selection.refused)
    for path, holder in selection.read.items():
        content = contents[by_path[holder].oid]
        if reason := refused_content(content):
            refused[path] = reason
        else:
            files[path] = content
    return files, dict(sorted(refused.items()))


def _entry(item: Listed, contents: Mapping[str, bytes]) -> Entry:
    if item.mode == _SUBMODULE:
        return Entry(item.path, Kind.NESTED)
    if item.mode == _LINK:
        return Entry(item.path, Kind.LINK, target=contents.get(item.oid, b"/"))
    return Entry(item.path, Kind.FILE, item.size)
