"""The files of one proxy, and the objects in them.

    bootstrap.json                what it is started with
    listeners.json clusters.json  every Listener and Cluster
    routes/<route configuration>.json   its virtual hosts

Each but the first is a v3 DiscoveryResponse whose version comes from its resources. Labels and annotations of its
objects lie in ``control_plane.identifier``, which is about no resource: a proxy that reads another origin or commit
there has nothing to change, and drains no connection for it. Those of the bootstrap lie in ``node.metadata``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from reconciler.model.canonical import digest
from reconciler.model.refs import KindId, ObjectKey
from reconciler.ports import Rejected

GROUP = "xds.reconciler.dev"
API_VERSION = f"{GROUP}/v3"
PLACE = "reconciler.dev"
SEPARATOR = "~"
BOOTSTRAP, VIRTUAL_HOST = "Bootstrap", "VirtualHost"
_LISTS = {"Listener": "listeners.json", "Cluster": "clusters.json"}
_ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
_LABELS = ("labels", "annotations")
_OF = "of"  # beside them, whose they are
_AS = "version"  # and of a bootstrap, what it was when it was written: a proxy tells it of the one that it read
Body = dict[str, Any]
Readable = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object lies: its proxy's folder within the cluster's, its file within that, its name in the file."""

    proxy: str
    file: str
    name: str


def key_of(body: Readable) -> ObjectKey:
    """Rejected for what is no resource of a proxy."""
    meta = body["metadata"]
    group = str(body["apiVersion"]).rpartition("/")[0]
    if group != GROUP:
        raise Rejected(f"a folder of proxies takes no {body['kind']}", 404)
    return ObjectKey(group, str(body["kind"]), str(meta.get("namespace") or ""), str(meta["name"]))


def place_of(key: ObjectKey) -> Place:
    """Rejected for a name that is not of this form, or would lead out of the folder."""
    proxy, _, rest = key.name.partition(SEPARATOR)
    file, name = _file(key.kind, rest)
    for part in (key.namespace, proxy, *PurePosixPath(file).parts):
        if not part or part.startswith(".") or "/" in part or "\0" in part:
            raise Rejected(f"{key} cannot be the name of a resource of a proxy")
    if not name or "/" in rest:
        raise Rejected(f"{key} cannot be the name of a resource of a proxy")
    return Place(f"{key.namespace}/{proxy}", file, name)


def _file(kind: str, rest: str) -> tuple[str, str]:
    match kind:
        case "Bootstrap":
            return "bootstrap.json", rest
        case "VirtualHost":
            routes, _, name = rest.partition(SEPARATOR)
            return f"routes/{routes}.json", name
        case _ if kind in _LISTS:
            return _LISTS[kind], rest
    raise Rejected(f"there is no {kind} in a folder of proxies")


class File:
    """The content of one file, read and changed object by object."""

    def __init__(self, proxy: str, path: str, text: str = "") -> None:
        """ValueError when the text is not of the form of its file."""
        self.path = path
        self._namespace, _, self._proxy = proxy.partition("/")
        self._content = _read(text, path)

    @property
    def version(self) -> str:
        """That of the file, which the proxy tells when it has taken it; "" where it has none."""
        return str(self._content.get("version_info", "")) or started_as(self._content)

    @property
    def is_empty(self) -> bool:
        return not list(self._entries())

    def bodies(self) -> Iterator[tuple[ObjectKey, Body]]:
        owned = self._owned()
        for kind, name, entry in self._entries():
            full = SEPARATOR.join([self._proxy, *self._prefix(kind), name])
            spec, metadata = self._taken_apart(kind, entry, owned.get(name))
            metadata = {"name": full, "namespace": self._namespace, **metadata}
            body = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
            yield ObjectKey(GROUP, kind, self._namespace, full), body

    def put(self, place: Place, body: Mapping[str, Any]) -> None:
        kind, spec = str(body["kind"]), dict(body["spec"])
        told: Body = {name: dict(body["metadata"][name]) for name in _LABELS if body["metadata"].get(name)}
        if kind == BOOTSTRAP:
            node = dict(spec.get("node") or {})
            started = version_of_start(self._taken_apart(kind, spec, None)[0])
            ours = {_OF: self._whose, _AS: started, **told}
            spec["node"] = {**node, "metadata": {**(node.get("metadata") or {}), PLACE: ours}}
            self._content = spec
            return
        if spec.get("name") != place.name:
            raise Rejected(f"a resource named {spec.get('name')} cannot lie under the name {place.name}")
        kept = [entry for entry in self._list(place.file) if entry.get("name") != place.name]
        self._set([*kept, spec], {**self._owned(), place.name: told})

    def remove(self, place: Place) -> None:
        if place.file == "bootstrap.json":
            self._content = {}
            return
        kept = [entry for entry in self._list(place.file) if entry.get("name") != place.name]
        self._set(kept, {name: told for name, told in self._owned().items() if name != place.name})

    def text(self) -> str:
        return json.dumps(self._content, indent=1, sort_keys=False, ensure_ascii=False) + "\n"

    def _entries(self) -> Iterator[tuple[str, str, Body]]:
        if self.path == "bootstrap.json":
            if self._content:
                yield BOOTSTRAP, "bootstrap", self._content
            return
        kind = next((kind for kind, file in _LISTS.items() if file == self.path), VIRTUAL_HOST)
        for entry in self._list(self.path):
            yield kind, str(entry.get("name", "")), entry

    def _prefix(self, kind: str) -> list[str]:
        return [PurePosixPath(self.path).name.removesuffix(".json")] if kind == VIRTUAL_HOST else []

    def _list(self, path: str) -> list[Body]:
        resources = self._content.get("resources") or []
        if not path.startswith("routes/"):
            return list(resources)
        return list((resources[0].get("virtual_hosts") or []) if resources else [])

    @property
    def _whose(self) -> str:
        """Of which proxy a file is: a copy of it for another one makes nothing ours there."""
        return f"{self._namespace}/{self._proxy}"

    def _owned(self) -> dict[str, Body]:
        """Labels and annotations by the name of the resource."""
        try:
            found = json.loads((self._content.get("control_plane") or {}).get("identifier") or "{}")
            return dict(found["objects"]) if found.get(_OF) == self._whose else {}
        except (ValueError, TypeError, AttributeError, KeyError):
            return {}

    def _taken_apart(self, kind: str, entry: Body, own: Body | None) -> tuple[Body, Body]:
        """The resource as it was asked for, and the labels and annotations that belong to it."""
        if kind != BOOTSTRAP:
            return entry, _told(own)
        node = dict(entry.get("node") or {})
        metadata = dict(node.get("metadata") or {})
        told = metadata.pop(PLACE, None)
        kept = {**node, "metadata": metadata} if metadata else {k: v for k, v in node.items() if k != "metadata"}
        ours = isinstance(told, Mapping) and told.get(_OF) == self._whose
        return {**entry, "node": kept}, _told(told) if ours else {}

    def _set(self, entries: list[Body], owned: Mapping[str, Body]) -> None:
        ordered = sorted(entries, key=lambda entry: str(entry.get("name", "")))
        if self.path.startswith("routes/"):
            name = PurePosixPath(self.path).name.removesuffix(".json")
            ordered = [{"@type": _ROUTES, "name": name, "virtual_hosts": ordered}]
        told = json.dumps({_OF: self._whose, "objects": dict(sorted(owned.items()))}, sort_keys=True)
        self._content = {
            "version_info": digest(ordered)[:16],
            "resources": ordered,
            "control_plane": {"identifier": told},
        }


def version_of_start(spec: Readable) -> str:
    """Of a bootstrap, without what is told of it besides."""
    return digest(spec)[:16]


def started_as(bootstrap: Readable) -> str:
    """The version that a bootstrap had when we wrote it; "" where that is not told."""
    node = bootstrap.get("node")
    metadata = node.get("metadata") if isinstance(node, Mapping) else None
    told = metadata.get(PLACE) if isinstance(metadata, Mapping) else None
    return str(told.get(_AS, "")) if isinstance(told, Mapping) else ""


def kind_id(kind: str) -> KindId:
    return KindId(GROUP, kind)


def _read(text: str, path: str) -> Body:
    content = json.loads(text) if text.strip() else {}
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    resources = content.get("resources", [])
    if not isinstance(resources, list) or not all(isinstance(entry, dict) for entry in resources):
        raise ValueError("`resources` is no list of objects")
    for host in resources[0].get("virtual_hosts") or () if path.startswith("routes/") and resources else ():
        if not isinstance(host, dict):
            raise ValueError("`virtual_hosts` is no list of objects")
    return content


def _told(found: Any) -> Body:
    if not isinstance(found, Mapping):
        return {}
    return {name: {str(key): str(value) for key, value in found[name].items()} for name in _LABELS
            if isinstance(found.get(name), Mapping)}  # fmt: skip


def version_of(body: Mapping[str, Any]) -> str:
    """The hash of an object's content."""
    return digest({key: value for key, value in body.items() if key != "status"})
