"""A folder of YAML files as ``reconciler.ports.Cluster``. Every call looks at the files as they lie; no authorship."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from reconciler.io.directory import layout
from reconciler.io.directory.merge import without
from reconciler.io.directory.placing import Placed, key_of, place
from reconciler.io.directory.text import write_document
from reconciler.io.directory.tree import Snapshot, Stored, Tree, version_of
from reconciler.io.facts import MalformedObject, cluster_facts, crd_facts
from reconciler.io.kube.kinds import POD
from reconciler.io.permit import WRITE_PERMIT
from reconciler.model.lent import is_lent
from reconciler.model.live import LiveObject, Prediction
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.model.rights import Right
from reconciler.ports import (
    Absent,
    ClusterError,
    Conflict,
    Inspection,
    Listing,
    Rejected,
    Schemas,
    ServerFailed,
    Unreachable,
    Written,
)

T = TypeVar("T")
#: groups that every API server serves: a folder with CRDs need not tell of them
BUILT_IN = frozenset(
    {
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)


class DirectoryCluster:
    """``path`` is read and written, ``facts`` is a second folder that is only read: what lives there but is not ours.

    Files are read and written in a thread, one call at a time.
    """

    def __init__(self, name: str, path: Path, facts: Path | None = None, within: Path | None = None) -> None:
        self._name = name
        self._tree = Tree(path, facts, within)
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        return self._name

    def stay(self) -> None:
        """Nothing is kept: a folder may be changed by anybody."""

    async def inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        """Rejected while a file cannot be read: facts with a part missing would compile to other objects."""
        return await self._do(lambda: self._inspect(kinds))

    async def pods(self, selector: str) -> Sequence[Mapping[str, Any]]:
        return await self._do(lambda: self._pods(selector))

    async def schemas(self, kinds: Sequence[NativeKind]) -> Schemas:
        return await self._do(lambda: _schemas(_definitions(_whole(self._tree.scan())), {k.kind: k for k in kinds}))

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        return await self._do(lambda: self._list(kinds))

    async def read(self, key: ObjectKey, kind: NativeKind) -> LiveObject | None:
        return await self._do(lambda: _live(self._find(key, kind), kind))

    async def predict(self, body: Mapping[str, Any], kind: NativeKind) -> Prediction:
        try:
            return Prediction((await self._do(lambda: self._placed(body, kind))).body)
        except ClusterError as error:
            return Prediction(None, str(error), error.retryable)

    async def apply(self, body: Mapping[str, Any], kind: NativeKind, *, force: bool) -> Written:
        """A folder does not know who wrote a field, so without ``force`` any object that is there is a Conflict. With
        a resourceVersion in the body, an object that has moved is one."""
        return await self._do(lambda: self._apply(body, kind, force))

    async def remove_fields(self, key: ObjectKey, kind: NativeKind, pointers: Sequence[str], rv: str) -> Written:
        return await self._do(lambda: self._remove_fields(key, kind, pointers, rv))

    async def delete(self, key: ObjectKey, kind: NativeKind, uid: str, rv: str) -> None:
        await self._do(lambda: self._delete(key, kind, uid, rv))

    async def probe(self) -> None:
        """The folder can be listed; one that is not there yet is made by the first write."""
        await self._do(self._tree.listable)

    async def missing_rights(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        """None is ever missing. Forbidden when the folder cannot be written."""
        await self._do(lambda: layout.check_writable(self._tree.root))
        return ()

    async def close(self) -> None:
        """Nothing is held open."""

    async def _do(self, action: Callable[[], T]) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(action)
            except OSError as error:
                raise _outside(error) from error
            except MalformedObject as error:
                raise Rejected(str(error)) from error

    def _inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        snapshot = _whole(self._tree.scan())
        bodies = [stored.body for stored in _sorted(snapshot) if not self._lies_on_nothing(stored)]
        # no CRD among the files: a folder that does not say what its cluster serves
        facts = cluster_facts(self._name, bodies, crds=crd_facts(bodies) or None)
        asked = {kind.kind for kind in kinds}
        return Inspection(facts, tuple(s.body for s in _sorted(snapshot) if s.key.kind_id in asked))

    def _lies_on_nothing(self, stored: Stored) -> bool:
        """Keys of ours whose object has left the facts folder."""
        return self._tree.facts is not None and stored.beneath is None and is_lent(stored.body["metadata"])

    def _pods(self, selector: str) -> Sequence[Mapping[str, Any]]:
        key, _, value = selector.partition("=")
        bodies = (stored.body for stored in _sorted(_whole(self._tree.scan())) if stored.key.kind_id == POD.kind)
        return [body for body in bodies if (body["metadata"].get("labels") or {}).get(key) == value]

    def _list(self, kinds: Sequence[NativeKind]) -> Listing:
        by_kind = {kind.kind: kind for kind in kinds}
        snapshot = self._tree.scan()
        if snapshot.faults:
            reason = _worded(snapshot)
            return Listing((), unread=dict.fromkeys(sorted(by_kind), reason))
        crds = _definitions(snapshot)
        served = crd_facts(crds)
        found = [_live(s, by_kind[s.key.kind_id]) for s in _sorted(snapshot) if s.key.kind_id in by_kind]
        return Listing(
            objects=tuple(sorted((item for item in found if item is not None), key=lambda item: item.key)),
            absent=frozenset(kind for kind in by_kind if served and kind not in served and not _is_built_in(kind)),
            schemas=_schemas(crds, by_kind),
        )

    def _find(self, key: ObjectKey, kind: NativeKind) -> Stored | None:
        """The object as it lies now; a namespaced one without a namespace is in ``default``."""
        objects = _whole(self._tree.locate(key)).objects
        if key not in objects and kind.namespaced and key.namespace == "default":
            return objects.get(ObjectKey(key.group, key.kind, "", key.name))
        return objects.get(key)

    def _writable(self, key: ObjectKey, kind: NativeKind, *, keys: bool = False) -> Stored | None:
        """``keys``: only those of ours on somebody else's object are to be written."""
        stored = self._find(key, kind)
        if stored is not None and stored.read_only and keys:
            return stored
        if stored is not None and stored.read_only:
            raise Rejected(f"{key} is in the facts folder, which is only read")
        if stored is not None and not stored.alone:
            raise Rejected(f"{key} shares {stored.path.name} with other objects: give it a file of its own first")
        if stored is not None:
            layout.check_inside(self._tree.root, stored.path)
        return stored

    def _placed(self, body: Mapping[str, Any], kind: NativeKind) -> Placed:
        stored = self._writable(key_of(body, kind), kind, keys=is_lent(body["metadata"]))
        return place(self._tree, stored, body, kind)

    def _apply(self, body: Mapping[str, Any], kind: NativeKind, force: bool) -> Written:
        placed = self._placed(body, kind)
        if placed.before is not None:
            _check_version(placed.before, str(body["metadata"].get("resourceVersion") or ""))
            if not force and placed.changes:
                raise Conflict(f"{placed.before.key} is there already, with other content", 409)
        if placed.changes:
            self._write(placed.path, placed.content)
        return Written(version_of(placed.body), placed.body, created=placed.before is None)

    def _remove_fields(self, key: ObjectKey, kind: NativeKind, pointers: Sequence[str], rv: str) -> Written:
        stored = self._writable(key, kind)
        if stored is None:
            raise Absent(f"{key} is not there any more", 404)
        _check_version(stored, rv)
        wanted = without(stored.body, pointers)
        self._write(stored.path, wanted)
        return Written(version_of(wanted), wanted)

    def _write(self, path: Path, body: Mapping[str, Any] | None) -> None:
        """None: the file goes."""
        WRITE_PERMIT.get()()
        if body is None:
            layout.remove(self._tree.root, path)
        else:
            layout.write(self._tree.root, path, write_document(body))
        self._tree.reread(path)

    def _delete(self, key: ObjectKey, kind: NativeKind, uid: str, rv: str) -> None:
        stored = self._writable(key, kind)
        if stored is None:
            return
        if uid and uid != _uid(stored):
            raise Conflict(f"{key} is another object than the one that was read", 409)
        _check_version(stored, rv)
        self._write(stored.path, None)


def _whole(snapshot: Snapshot) -> Snapshot:
    if snapshot.faults:
        raise Rejected(_worded(snapshot))
    return snapshot


def _worded(snapshot: Snapshot) -> str:
    more = f" (and {len(snapshot.faults) - 3} more)" if len(snapshot.faults) > 3 else ""
    return f"cannot be read: {'; '.join(snapshot.faults[:3])}{more}"


def _check_version(stored: Stored, rv: str) -> None:
    if rv and rv != stored.version:
        raise Conflict(f"{stored.key} was changed by somebody since it was read", 409)


def _live(stored: Stored | None, kind: NativeKind) -> LiveObject | None:
    if stored is None:
        return None
    key, meta = stored.key, stored.body["metadata"]
    if kind.namespaced and not key.namespace:
        key = ObjectKey(key.group, key.kind, "default", key.name)
    return LiveObject(
        key=key,
        resource_version=stored.version,
        raw=orjson.dumps(stored.body),
        uid=_uid(stored),
        labels=_strings(meta.get("labels")),
        annotations=_strings(meta.get("annotations")),
    )


def _uid(stored: Stored) -> str:
    return str(stored.body["metadata"].get("uid") or "")


def _strings(value: Any) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


def _sorted(snapshot: Snapshot) -> list[Stored]:
    return [snapshot.objects[key] for key in sorted(snapshot.objects)]


def _definitions(snapshot: Snapshot) -> list[Mapping[str, Any]]:
    return [stored.body for stored in _sorted(snapshot) if stored.key.kind == "CustomResourceDefinition"]


def _is_built_in(kind: KindId) -> bool:
    return "." not in kind.group or kind.group in BUILT_IN


def _schemas(
    crds: Sequence[Mapping[str, Any]], kinds: Mapping[KindId, NativeKind]
) -> dict[tuple[KindId, str], Mapping[str, Any]]:
    found: dict[tuple[KindId, str], Mapping[str, Any]] = {}
    for spec in (body["spec"] for body in crds):
        kind = KindId(spec["group"], spec["names"]["kind"])
        for version in spec.get("versions") or ():
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            if kind in kinds and version.get("served", True) and schema:
                found[kind, version["name"]] = schema
    return found


def _outside(error: OSError) -> ClusterError:
    words = f"{error.filename or 'folder'}: {error.strerror}"
    if isinstance(error, (FileNotFoundError, PermissionError, NotADirectoryError)):
        unreachable = Unreachable(words)
        unreachable.retryable = False
        return unreachable
    return ServerFailed(words)
