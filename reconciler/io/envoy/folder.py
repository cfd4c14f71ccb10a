"""What lies in the folders of proxies: objects by key, read and written file by file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.io.directory import layout
from reconciler.io.durable import settle
from reconciler.io.envoy import xds
from reconciler.io.envoy.admin import administration
from reconciler.model.refs import ObjectKey
from reconciler.ports import Rejected

BROKEN = ".broken"
SECRETS = "secrets"
_LISTS = ("listeners.json", "clusters.json")
_ROUTES = "routes"
_SINGLE = ("bootstrap.json", *_LISTS)


@dataclass(frozen=True, slots=True)
class Lying:
    """One object. ``version``: of its content; ``file_version``: of its file, as the proxy will tell it."""

    key: ObjectKey
    body: Mapping[str, Any]
    version: str
    file_version: str


class Folder:
    """``root/<namespace>/<proxy>/``. Raises OSError for what the file system refuses. Not for threads at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def proxies(self) -> dict[str, str]:
        """Administration address by ``<namespace>/<proxy>``, of those that have a bootstrap."""
        found = {}
        for lying in self.bootstraps():
            if address := administration(lying.body["spec"]):
                found[xds.place_of(lying.key).proxy] = address
        return found

    def bootstraps(self) -> list[Lying]:
        names = [folder.relative_to(self.root).as_posix() for folder in self._folders()]
        return [lying for name in names for lying in _objects(self._file(name, "bootstrap.json"))]

    def scan(self) -> list[Lying]:
        return [lying for folder in self._folders() for lying in self._lying(folder)]

    def find(self, key: ObjectKey) -> Lying | None:
        place = xds.place_of(key)
        file = self._file(place.proxy, place.file)
        return next((one for one in _objects(file) if one.key == key), None)

    def put(self, key: ObjectKey, body: Mapping[str, Any]) -> None:
        """Durable when it returns. A file that cannot be read is put aside."""
        place = xds.place_of(key)
        file = self._file(place.proxy, place.file, put_aside=True)
        file.put(place, body)
        for name in _LISTS if key.kind == xds.BOOTSTRAP else ():  # what a proxy is told to read has to be there
            if not (path := self.root / place.proxy / name).exists():
                layout.write(self.root, path, xds.File(place.proxy, name).text())
        layout.write(self.root, self.root / place.proxy / place.file, file.text())

    def remove(self, key: ObjectKey) -> None:
        """An emptied file stays where the proxy looks for it, unless nothing refers to it any more. Its folder does as
        long as there is a proxy, who would not see one that is made anew."""
        place = xds.place_of(key)
        file, path = self._file(place.proxy, place.file), self.root / place.proxy / place.file
        file.remove(place)
        if key.kind == xds.BOOTSTRAP:
            with contextlib.suppress(OSError):  # not there, or not empty
                (self.root / place.proxy / _ROUTES).rmdir()
        if file.is_empty and path.parent.name == _ROUTES and (self.root / place.proxy / "bootstrap.json").exists():
            path.unlink()
            settle(path.parent)
        elif file.is_empty and place.file not in _LISTS:
            layout.remove(self.root, path)
        else:
            layout.write(self.root, path, file.text())
        if key.kind == xds.BOOTSTRAP:
            self._forget(place.proxy)

    def _forget(self, proxy: str) -> None:
        """What only a proxy that is started needs: its lists when nothing is in them, and its key."""
        folder = self.root / proxy
        lists = [folder / name for name in _LISTS if self._file(proxy, name).is_empty]
        for path in [*lists, *sorted((folder / SECRETS).glob("[!.]*.json"))]:
            if path.exists():
                layout.remove(self.root, path)

    def _folders(self) -> Iterator[Path]:
        if not self.root.is_dir():
            return
        for namespace in sorted(self.root.iterdir()):
            if namespace.is_dir() and not namespace.name.startswith("."):
                yield from (one for one in sorted(namespace.iterdir()) if one.is_dir() and one.name[0] != ".")

    def _lying(self, folder: Path) -> Iterator[Lying]:
        names = [name for name in _SINGLE if (folder / name).exists()]
        names += sorted(path.relative_to(folder).as_posix() for path in (folder / "routes").glob("[!.]*.json"))
        for name in names:
            yield from _objects(self._file(folder.relative_to(self.root).as_posix(), name))

    def _file(self, proxy: str, name: str, *, put_aside: bool = False) -> xds.File:
        """An empty one where there is none, or none that can be read: what was in it is missing then."""
        path = self.root / proxy / name
        try:
            return xds.File(proxy, name, path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return xds.File(proxy, name)
        except ValueError:
            if put_aside:
                path.replace(path.with_name(path.name + BROKEN))
            return xds.File(proxy, name)


def _objects(file: xds.File) -> Iterator[Lying]:
    for key, body in file.bodies():
        with contextlib.suppress(Rejected):  # somebody's resource of a name that is none of ours
            xds.place_of(key)
            yield Lying(key, body, xds.version_of(body), file.version)
