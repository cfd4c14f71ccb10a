"""A source tree's files, sorted by what they are: inventory, variables, documents; and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from reconciler.load.nodes import Place, position
from reconciler.load.reader import Mistake, Reader, Unreadable
from reconciler.model.commits import SourceTree
from reconciler.model.findings import Finding, Position, error

MAX_BYTES = 4 * 1024 * 1024
ROOT = "desired-state"
MANIFESTS = "manifests"
_FOLDERS = (ROOT, "policies")
_ENDINGS = (".yaml", ".yml")
_KEY_SET = "jwks.json"  # and key sets may have a name before it


@dataclass(frozen=True, slots=True)
class Page:
    """One YAML document of a file. ``mistakes`` are findings about its text; it must not be used if there are any.
    ``variables``: the file has a ``${`` somewhere."""

    root: Any
    at: Place
    mistakes: tuple[Finding, ...] = ()
    variables: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """``whole`` is False when a part of the file could not be read at all."""

    path: str
    pages: tuple[Page, ...] = ()
    findings: tuple[Finding, ...] = ()
    whole: bool = True


@dataclass(slots=True)
class Files:
    """``inventory``: inventory.yaml, ``variables``: group_vars and host_vars, ``documents``: the rest; by path.
    ``key_sets``, and ``manifests`` (and why some were refused), are read by those that name them."""

    inventory: list[File] = field(default_factory=list)
    variables: list[File] = field(default_factory=list)
    documents: list[File] = field(default_factory=list)
    key_sets: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def all(self) -> Iterator[File]:
        yield from (*self.inventory, *self.variables, *self.documents)


def has_desired_state(tree: SourceTree) -> bool:
    return any(path.startswith(f"{ROOT}/") for path in (*tree.files, *tree.refused))


def read_files(tree: SourceTree) -> Files:
    """Every YAML file and key set of the tree, refused ones included; other files are nobody's business."""
    found = Files()
    for path in sorted({*tree.files, *tree.refused}):
        parts = PurePosixPath(path).parts
        refused = path in tree.refused
        if parts and parts[0] == MANIFESTS:
            _keep_manifest(found, path, tree)
            continue
        if not refused and path.lower().endswith(_KEY_SET):
            found.key_sets[path] = tree.files[path]
            continue
        if not parts or parts[0] not in _FOLDERS or not (refused or path.lower().endswith(_ENDINGS)):
            continue
        file = _refused(path, tree.refused[path]) if refused else _read(path, tree.files[path])
        _shelf(found, parts).append(file)
    return found


def _keep_manifest(found: Files, path: str, tree: SourceTree) -> None:
    if path in tree.refused:
        found.refused[path] = tree.refused[path]
    elif path.lower().endswith(_ENDINGS):
        found.manifests[path] = tree.files[path]


def _shelf(found: Files, parts: tuple[str, ...]) -> list[File]:
    if parts[0] != ROOT or len(parts) < 2:
        return found.documents
    if len(parts) == 2 and parts[1].lower() in ("inventory.yaml", "inventory.yml"):
        return found.inventory
    return found.variables if len(parts) > 2 and parts[1] in ("group_vars", "host_vars") else found.documents


def _refused(path: str, reason: str) -> File:
    return File(path, findings=(error("file-refused", f"not read: {reason}", Position(path)),), whole=False)


def _read(path: str, data: bytes) -> File:
    problem = unfit(path, data)
    if problem is not None:
        return File(path, findings=(problem,), whole=False)
    return parse(path, data.decode().removeprefix("\ufeff"))


def unfit(path: str, data: bytes) -> Finding | None:
    """Why these bytes are not read at all."""
    if ".." in path.split("/") or "\\" in path or path.startswith("/"):
        return error("file-refused", "not read: the path leads out of its folder", Position(path))
    if len(data) > MAX_BYTES:
        told = f"{len(data)} bytes, more than the {MAX_BYTES} that are read"
        return error("file-too-large", told, Position(path), "split the file")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return error("file-encoding", "UTF-16, not UTF-8", Position(path, 1, 1), "save it as UTF-8")
    if b"\x00" in data:
        return error("file-encoding", "a binary file, not YAML text", _at_byte(path, data, data.index(b"\x00")))
    try:
        data.decode()
    except UnicodeDecodeError as problem:
        where = _at_byte(path, data, problem.start)
        return error("file-encoding", f"not UTF-8: byte 0x{data[problem.start]:02x}", where, "save it as UTF-8")
    return None


def _at_byte(path: str, data: bytes, offset: int) -> Position:
    before = data[:offset]
    column = offset - (before.rfind(b"\n") + 1)
    return Position(path, before.count(b"\n") + 1, column + 1)


def parse(path: str, text: str) -> File:
    """The pages of a text and the findings about it."""
    pages: list[Page] = []
    findings: list[Finding] = []
    reader = Reader(text, path)
    variables = "${" in text
    try:
        for root, at in reader.documents():
            told = tuple(_finding(mistake) for mistake in reader.mistakes)
            reader.mistakes.clear()
            pages.append(Page(root, at, told, variables))
    except Unreadable as problem:
        findings += [_finding(mistake) for mistake in reader.mistakes]
        findings.append(_finding(_with_variable_hint(problem.mistake, text)))
        return File(path, tuple(pages), tuple(findings), whole=False)
    finally:
        reader.dispose()
    return File(path, tuple(pages), tuple(findings))


def _with_variable_hint(mistake: Mistake, text: str) -> Mistake:
    """YAML takes the brace of an unquoted ``${x}`` inside ``{}`` or ``[]`` for its own."""
    lines = text.split("\n")
    near = "".join(lines[max(mistake.at[1] - 2, 0) : mistake.at[1]])
    return replace(mistake, hint='put variables in quotes: "${name}"') if "${" in near and not mistake.hint else mistake


def _finding(mistake: Mistake) -> Finding:
    return error(mistake.code, mistake.message, position(mistake.at), mistake.hint)
