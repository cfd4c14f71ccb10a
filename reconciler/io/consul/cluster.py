"""A datacenter of Consul servers as ``reconciler.ports.Cluster``: what their HTTP API holds, as objects.

Which API for intentions a server has is seen by its answers: before 1.9 it knows no entries of kind service-intentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reconciler.io.consul import catalog, entries, intentions, rights
from reconciler.io.consul.client import Client
from reconciler.io.consul.kinds import ENTRIES, GROUP, INTENTIONS, KINDS, NAMESPACE, SINGLE, entry_name, kind_id
from reconciler.io.directory.merge import merged, without
from reconciler.model.clusters import ApiConnection, ClusterLimits
from reconciler.model.live import LiveObject, Prediction
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.model.rights import Right
from reconciler.ports import (
    Absent,
    ClusterError,
    Conflict,
    Forbidden,
    Inspection,
    Listing,
    Rejected,
    Schemas,
    Written,
)

_NO_SUCH_KIND = "invalid config entry kind"


class ConsulCluster:
    """Bodies are in the form of the custom resources of consul-k8s; who wrote a field is not known to Consul."""

    def __init__(self, name: str, connection: ApiConnection, base: Path, limits: ClusterLimits) -> None:
        self._name, self._connection = name, connection
        self._client = Client(connection, base, limits)

    @property
    def name(self) -> str:
        return self._name

    def stay(self) -> None:
        """Nothing is kept from one look to the next."""

    async def inspect(self, kinds: Sequence[NativeKind]) -> Inspection:
        found = await catalog.registered(self._client)
        itself = await catalog.datacenter(self._client, found, self._connection.datacenter)
        asked = [kind for kind in kinds if kind.kind.group == GROUP and kind.kind.kind in ENTRIES]
        listing = await self.list_objects(asked)
        bodies = (one.body() for one in listing.objects)
        return Inspection(catalog.facts(self._name, found), (itself, *bodies))

    async def pods(self, selector: str) -> Sequence[Mapping[str, Any]]:
        return ()

    async def schemas(self, kinds: Sequence[NativeKind]) -> Schemas:
        return {}

    async def list_objects(self, kinds: Sequence[NativeKind]) -> Listing:
        """A kind of which the token sees a part only counts as not read."""
        found: list[LiveObject] = []
        absent = {kind.kind for kind in kinds if kind.kind.group != GROUP or kind.kind.kind not in ENTRIES}
        wanted = [kind for kind in kinds if kind.kind not in absent]
        unread = await self._hidden(wanted)
        for kind in wanted:
            if kind.kind in unread:
                continue
            try:
                several = await self._list(kind.kind.kind)
            except Forbidden as problem:
                unread[kind.kind] = str(problem)
                continue
            if several is None:
                absent.add(kind.kind)
            else:
                found += several
        return Listing(tuple(sorted(found, key=lambda one: one.key)), unread, frozenset(absent))

    async def read(self, key: ObjectKey, kind: NativeKind) -> LiveObject | None:
        found = await self._find(key)
        return entries.live(*found) if found else None

    async def predict(self, body: Mapping[str, Any], kind: NativeKind) -> Prediction:
        """Consul tries nothing out: what it would make of a body is known, whether it refuses it is not."""
        key = _key_of(body)
        try:
            found = await self._find(key)
            wanted = merged(body, found[0] if found else None, kind)
            entries.to_api(wanted, key)
            return Prediction(wanted)
        except ClusterError as error:
            return Prediction(None, str(error), error.retryable)

    async def apply(self, body: Mapping[str, Any], kind: NativeKind, *, force: bool) -> Written:
        """Nobody knows who wrote a field, so without ``force`` any object that is there is a Conflict."""
        key = _key_of(body)
        found = await self._find(key)
        wanted = merged(body, found[0] if found else None, kind)
        if found is not None:
            _check_version(key, found[1], str(body["metadata"].get("resourceVersion") or ""))
            if not force:
                raise Conflict(f"{key} is there already", 409)
        elif body["metadata"].get("resourceVersion"):
            raise Conflict(f"{key} is not there any more", 409)
        return await self._write(key, wanted, found[1] if found else "")

    async def remove_fields(self, key: ObjectKey, kind: NativeKind, pointers: Sequence[str], rv: str) -> Written:
        found = await self._find(key)
        if found is None:
            raise Absent(f"{key} is not there any more", 404)
        _check_version(key, found[1], rv)
        return await self._write(key, without(found[0], pointers), found[1])

    async def delete(self, key: ObjectKey, kind: NativeKind, uid: str, rv: str) -> None:
        """Servers before 1.11 take no check-and-set here, so the version is looked at right before."""
        found = await self._find(key)
        if found is None:
            return
        _check_version(key, found[1], rv)
        if (group := await self._old_intentions(key)) is not None:
            await intentions.delete(self._client, group)
        elif await self._client.write("DELETE", _path(key), cas=found[1]) is False:
            raise Conflict(f"{key} was changed by somebody since it was read", 409)

    async def probe(self) -> None:
        """Who leads is told without a token; an answer without a leader is one, too."""
        try:
            await self._client.get("status/leader")
        except (Forbidden, Rejected):
            return

    async def missing_rights(self, asked: Sequence[Right]) -> tuple[Right, ...]:
        """Forbidden, naming the rules that the token lacks, where it may not write: roles of Kubernetes, which is what
        missing rights are told to be in, mean nothing here."""
        needs = {right: need for right in asked if (need := rights.needed(right))}
        lacking = await rights.lacking(self._client, needs.values())
        if written := [need for need in lacking if need[1] == "write"]:
            raise rights.refusal(written)
        return tuple(right for right, need in needs.items() if need in lacking)

    async def close(self) -> None:
        await self._client.close()

    async def _hidden(self, kinds: Iterable[NativeKind]) -> dict[KindId, str]:
        """Kinds of which the token may not see everything, and the rule that it lacks."""
        needs = {kind.kind: need for kind in kinds if (need := rights.needed(Right(GROUP, kind.plural, "list")))}
        lacking = await rights.lacking(self._client, (need for need in needs.values() if need[0] != "operator"))
        return {kind: str(rights.refusal([need])) for kind, need in needs.items() if need in lacking}

    async def _list(self, kind: str) -> list[LiveObject] | None:
        """None: the server has no such entries."""
        try:
            found, whole = await self._client.whole(f"config/{ENTRIES[kind]}")
        except Rejected as problem:
            if _NO_SUCH_KIND not in str(problem):
                raise
            if kind != INTENTIONS:
                return None
            groups = intentions.by_destination(await self._client.get(intentions.PATH) or ())
            return [entries.live(intentions.to_body(key, g), intentions.version_of(g)) for key, g in groups.items()]
        if not whole:
            raise Forbidden("the token may see a part of them only", 403)
        known = (entry for entry in found or () if entry.get("Kind") in KINDS)
        return [entries.live(entries.to_body(entry), str(entry["ModifyIndex"])) for entry in known]

    async def _find(self, key: ObjectKey) -> tuple[dict[str, Any], str] | None:
        """An object as it is now, and its version."""
        _check_sayable(key)
        if (group := await self._old_intentions(key)) is not None:
            return (intentions.to_body(key, group), intentions.version_of(group)) if group else None
        entry = await self._client.get(_path(key), consistent="")
        return (entries.to_body(entry), str(entry["ModifyIndex"])) if entry else None

    async def _old_intentions(self, key: ObjectKey) -> list[intentions.Intention] | None:
        """Those of a destination; None where the server has them as entries, or the object is no such thing."""
        if key.kind != INTENTIONS:
            return None
        try:
            await self._client.get(_path(key))
        except Rejected as problem:
            if _NO_SUCH_KIND not in str(problem):
                raise
            found = await self._client.get(intentions.PATH, consistent="") or ()
            return intentions.by_destination(found).get(key, [])
        return None

    async def _write(self, key: ObjectKey, body: Mapping[str, Any], version: str) -> Written:
        entry = entries.to_api(body, key)
        if (group := await self._old_intentions(key)) is not None:
            if group and intentions.version_of(group) != version:
                raise Conflict(f"{key} was changed by somebody since it was read", 409)
            await intentions.put(self._client, body, key, group)
        elif await self._client.write("PUT", "config", entry, cas=version or "0") is False:
            raise Conflict(f"{key} was changed by somebody since it was read", 409)
        found = await self._find(key)
        if found is None:
            raise Conflict(f"{key} was removed by somebody as soon as it was written", 409)
        return Written(found[1], found[0], created=not version)


def opened(name: str, connection: ApiConnection, base: Path, limits: ClusterLimits) -> ConsulCluster:
    """As every folder of an API gives its clusters."""
    return ConsulCluster(name, connection, base, limits)


def _key_of(body: Mapping[str, Any]) -> ObjectKey:
    meta = body["metadata"]
    return ObjectKey(kind_id(body["kind"]).group, body["kind"], str(meta.get("namespace") or ""), str(meta["name"]))


def _check_sayable(key: ObjectKey) -> None:
    """Rejected for what a server has not, or would take for another object."""
    if key.kind_id.group != GROUP or key.kind not in ENTRIES:
        raise Rejected(f"a server has nothing like {key.kind_id}")
    if key.namespace != NAMESPACE:
        raise Rejected(f"{key}: everything in a datacenter lies in {NAMESPACE!r} here")
    if key.kind in SINGLE and key.name != SINGLE[key.kind]:
        raise Rejected(
            f"{key}: there is one {key.kind} only, called {SINGLE[key.kind]!r}; a server overwrites that one"
        )


def _path(key: ObjectKey) -> str:
    name = SINGLE.get(key.kind) or entry_name(key)
    return f"config/{ENTRIES[key.kind]}/{quote(name, safe='')}"


def _check_version(key: ObjectKey, version: str, rv: str) -> None:
    if rv and rv != version:
        raise Conflict(f"{key} was changed by somebody since it was read", 409)
