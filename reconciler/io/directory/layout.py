"""Where an object is written, and how: one object per file, whole or not at all, never outside the folder."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.io.durable import settle
from reconciler.model.refs import ObjectKey
from reconciler.ports import Forbidden, Rejected


def path_of(root: Path, key: ObjectKey) -> Path:
    """``<namespace or _cluster>/<kind>.<group>/<name>.yaml``. Rejected for names that would lead out of the folder."""
    for part in (key.namespace, key.group, key.kind, key.name):
        if part in (".", "..") or "/" in part or "\0" in part or part.startswith((".", "_")):
            raise Rejected(f"{part!r} cannot be part of a file's name")
    if not key.name or not key.kind:
        raise Rejected(f"{key} has no name")
    path = root / (key.namespace or "_cluster") / str(key.kind_id) / f"{key.name}.yaml"
    check_inside(root, path)
    return path


def check_inside(root: Path, path: Path) -> None:
    """Rejected when a link on the way leads out of the folder."""
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise Rejected(f"{path.parent.relative_to(root)} is a link that leads out of the folder")


def check_writable(root: Path) -> None:
    """Forbidden when nothing can be written to the folder, or it could not be made where it is not there yet."""
    there = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK, effective_ids=True):
        raise Forbidden(f"{root} cannot be written: {there} is {'read-only for us' if there.is_dir() else 'no folder'}")


def write(root: Path, path: Path, text: str) -> None:
    """Durable when it returns; a reader sees the old file or the new one. Raises OSError."""
    _make_folders(root, path.parent)
    fresh = path.with_name(f".{path.name[:200]}.tmp")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    settle(path.parent)


def remove(root: Path, path: Path) -> None:
    """Delete a file, and the folders that it leaves empty. Durable when it returns. Raises OSError."""
    path.unlink()
    settle(path.parent)
    for folder in path.parents:
        if folder == root or not folder.is_relative_to(root) or any(folder.iterdir()):
            return
        folder.rmdir()
        settle(folder.parent)


def _make_folders(root: Path, folder: Path) -> None:
    for part in reversed([folder, *folder.parents]):
        if not part.is_dir():
            part.mkdir(exist_ok=True)  # clusters side by side may share a parent
            settle(part.parent)
