"""Manifests that lie in files and folders, read; and files of a repository, written without overwriting others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.io.directory.text import Unreadable, read_documents
from reconciler.ports import OutsideError

ENDINGS = (".yaml", ".yml", ".json")


class ManifestError(OutsideError):
    """A file that cannot be read or written, or that would be overwritten."""


def read_manifests(places: Iterable[Path]) -> list[Mapping[str, Any]]:
    """The objects of files, and of all YAML and JSON files below folders, in the order of their paths."""
    found: list[Mapping[str, Any]] = []
    for path in _files(places):
        try:
            documents = read_documents(path.read_bytes())
        except OSError as problem:
            raise ManifestError(f"cannot read {path}: {problem.strerror}") from problem
        except Unreadable as problem:
            raise ManifestError(f"{path}: {problem}") from problem
        for document in documents:
            if not isinstance(document, Mapping) or not document.get("kind") or not document.get("apiVersion"):
                raise ManifestError(f"{path}: a document without apiVersion and kind is no object")
            found.append(document)
    return found


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.suffix in ENDINGS and path.is_file())
        else:
            yield place


def write_new(folder: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write all files below a folder; nothing when one of them is there already and ``force`` is not given."""
    there = sorted(path for path in files if os.path.lexists(folder / path))
    if there and not force:
        several = f" and {len(there) - 1} others" if len(there) > 1 else ""
        raise ManifestError(f"{folder} already has {there[0]}{several}; nothing was written. --force overwrites")
    try:
        for path, text in sorted(files.items()):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as problem:
        raise ManifestError(f"cannot write {problem.filename or folder}: {problem.strerror}") from problem
