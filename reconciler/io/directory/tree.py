"""What lies in the folder of a directory cluster: objects by key, and the files that could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from reconciler.io.directory.merge import with_keys
from reconciler.io.directory.text import Unreadable, read_documents
from reconciler.io.directory.walk import ABSENT, Entry, Signature, file_signature, folder_signature, walk
from reconciler.model.canonical import digest
from reconciler.model.lent import is_lent
from reconciler.model.refs import ObjectKey


@dataclass(frozen=True, slots=True)
class Stored:
    """One object. ``alone``: its file holds nothing else. ``read_only``: it lies in the facts folder.
    ``version`` is the hash of its content. ``body`` is shared: not to be changed. ``beneath``: the object of the facts
    folder on which this file puts keys of ours; ``body`` is both together."""

    key: ObjectKey
    body: Mapping[str, Any]
    path: Path
    version: str
    alone: bool = True
    read_only: bool = False
    beneath: Stored | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``faults`` are worded, with the file's name; while there is one, what the cluster holds is not known."""

    objects: Mapping[ObjectKey, Stored] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    signature: Signature
    objects: tuple[Stored, ...] = ()
    fault: str = ""


class Tree:
    """``root`` may not exist yet, but ``within`` must (its parent when not given): a volume that is not mounted is not
    an empty cluster. ``facts`` is a second folder, only read. Not for several threads at once."""

    def __init__(self, root: Path, facts: Path | None = None, within: Path | None = None) -> None:
        self.root = root
        self.within = within or root.parent
        self.facts = facts
        self._files: dict[str, _File] = {}
        self._folders: dict[str, Signature] = {}
        self._objects: dict[ObjectKey, Stored] = {}
        self._last = Snapshot(self._objects)

    def scan(self) -> Snapshot:
        """Everything as it lies now; files that did not change are remembered. OSError if a root is unreadable."""
        objects: dict[ObjectKey, Stored] = {}
        faults: list[str] = []
        seen: dict[str, _File] = {}
        folders: dict[str, Signature] = {}
        for entry in self._entries(folders):
            if (file := self._file(entry)) is None:
                continue  # deleted while we looked
            seen[entry.path] = file
            faults += [f"{self._label(entry.path)}: {file.fault}"] if file.fault else []
            for stored in file.objects:
                first = objects.get(stored.key)
                if first is not None and stored.read_only and not first.read_only and is_lent(first.body["metadata"]):
                    stored = _with_keys(stored, first)
                elif first is not None:
                    faults.append(f"{self._label(entry.path)}: {stored.key} is in {self._label(first.path)}, too")
                objects[stored.key] = stored
        self._files, self._objects, self._folders = seen, objects, folders
        self._last = Snapshot(objects, tuple(sorted(faults)))
        return self._last

    def listable(self) -> None:
        """OSError where ``scan`` would raise one at once."""
        next(self._entries({}), None)

    def locate(self, key: ObjectKey) -> Snapshot:
        """A snapshot that is up to date at least for this key. That a key is nowhere holds as long as no file came,
        went or was replaced since the last ``scan``; one that was written over where it lies is seen by the next."""
        stored = self._last.objects.get(key)
        if self._last.faults or not (self._folders_hold() if stored is None else self._holds(stored)):
            return self.scan()
        return self._last

    def reread(self, path: Path) -> None:
        """Take note of our own change to one file."""
        before = self._files.pop(str(path), _File(ABSENT)).objects
        beneath = {one.key: it for one in before if (it := self._beneath(self._objects.pop(one.key, None)))}
        if (signature := file_signature(path)) != ABSENT:
            self._files[str(path)] = file = self._read(str(path), signature)
            for stored in file.objects:
                theirs = self._beneath(self._objects.get(stored.key)) or beneath.pop(stored.key, None)
                lies_on = theirs if is_lent(stored.body["metadata"]) else None
                self._objects[stored.key] = _with_keys(lies_on, stored) if lies_on else stored
        self._objects.update(beneath)
        for folder in self._above(path):
            self._note(folder)

    def _note(self, folder: Path) -> None:
        if folder.is_dir() or folder == self.root:
            self._folders[str(folder)] = folder_signature(folder)
        else:
            self._folders.pop(str(folder), None)

    @staticmethod
    def _beneath(stored: Stored | None) -> Stored | None:
        """What lies in the facts folder."""
        return stored if stored is None or stored.read_only else stored.beneath

    def _entries(self, folders: dict[str, Signature]) -> Iterator[Entry]:
        """``folders``: takes each folder as it was before it was looked into."""
        if self.root.is_dir():
            yield from walk(self.root, self.facts, folders)
        elif not self.within.is_dir():
            raise FileNotFoundError(2, "there is no such folder, nor one to make it in", str(self.root))
        else:
            folders[str(self.root)] = ABSENT
        if self.facts is not None:
            yield from walk(self.facts, None, folders)

    def _file(self, entry: Entry) -> _File | None:
        if entry.problem:
            return _File(ABSENT, fault=entry.problem)
        known = self._files.get(entry.path)
        if known and known.signature == entry.signature:
            return known
        try:
            return self._read(entry.path, entry.signature)
        except FileNotFoundError:
            return None
        except OSError as error:
            return _File(ABSENT, fault=error.strerror or str(error))

    def _read(self, name: str, signature: Signature) -> _File:
        path = Path(name)
        read_only = self.facts is not None and path.is_relative_to(self.facts)
        try:
            found = _parsed(name, signature)
        except Unreadable as error:
            return _File(signature, fault=str(error))
        alone = len(found) == 1
        return _File(signature, tuple(Stored(key, body, path, as_of, alone, read_only) for key, body, as_of in found))

    def _folders_hold(self) -> bool:
        return bool(self._folders) and all(map(self._is_as_noted, map(Path, self._folders)))

    def _holds(self, stored: Stored) -> bool:
        """Nor did anything change in the folders that a change of ours has us take note of: for an object of the facts
        folder that may be any."""
        if stored.read_only and not self._folders_hold():
            return False
        files = (stored.path, stored.beneath.path) if stored.beneath else (stored.path,)
        return all(map(self._is_unchanged, files)) and all(map(self._is_as_noted, self._above(stored.path)))

    def _above(self, path: Path) -> Iterator[Path]:
        """The folders that a file lies in, up to the root."""
        return (folder for folder in path.parents if folder.is_relative_to(self.root))

    def _is_as_noted(self, folder: Path) -> bool:
        return self._folders.get(str(folder)) == folder_signature(folder)

    def _is_unchanged(self, path: Path) -> bool:
        known = self._files.get(str(path))
        return known is not None and known.signature == file_signature(path)

    def _label(self, named: str | Path) -> str:
        path = Path(named)
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)


def _with_keys(theirs: Stored, ours: Stored) -> Stored:
    body = with_keys(ours.body, theirs.body)
    return Stored(ours.key, body, ours.path, version_of(body), ours.alone, beneath=theirs)


@lru_cache(maxsize=16_384)
def _parsed(name: str, _signature: Signature) -> tuple[tuple[ObjectKey, Mapping[str, Any], str], ...]:
    """The objects of a file as it is by now: whoever opens the same folder once more need not read it all again.
    Raises Unreadable and OSError, which are not kept."""
    return tuple(_objects(Path(name).read_bytes()))


def _objects(data: bytes) -> Iterator[tuple[ObjectKey, Mapping[str, Any], str]]:
    for number, document in enumerate(read_documents(data), 1):
        for body in _flattened(document):
            key = _key(body, number)
            if key is not None:
                yield key, body, version_of(body)


def _flattened(document: Any) -> Iterator[Any]:
    """``kubectl get -o yaml`` prints several objects as one List."""
    if isinstance(document, dict) and document.get("kind") == "List" and isinstance(document.get("items"), list):
        yield from document["items"]
    else:
        yield document


def _key(body: Any, number: int) -> ObjectKey | None:
    """None for what only steers a tool. Raises Unreadable for anything else that is not an object: it may have been."""
    if not isinstance(body, dict):
        raise Unreadable(f"document {number} is no Kubernetes object")
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    if group == "kustomize.config.k8s.io":
        return None
    meta = body.get("metadata")
    kind, name = body.get("kind"), meta.get("name") if isinstance(meta, dict) else None
    namespace = (meta.get("namespace") or "") if isinstance(meta, dict) else ""
    if not (body.get("apiVersion") and isinstance(kind, str) and isinstance(name, str) and isinstance(namespace, str)):
        raise Unreadable(f"document {number} is no Kubernetes object: it needs apiVersion, kind and metadata.name")
    return ObjectKey(group, kind, namespace, name)


def version_of(body: Mapping[str, Any]) -> str:
    """What stands for resourceVersion: a hash of the content."""
    meta = {key: value for key, value in body["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return digest({**body, "metadata": meta})[:32]
