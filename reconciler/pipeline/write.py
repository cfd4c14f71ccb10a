"""One write to one cluster, with every guard against writing something else than what was planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.plans import Action, Change
from reconciler.plan.paths import MISSING, get
from reconciler.ports import Absent, Cluster, ClusterError, Rejected, Written


@dataclass(frozen=True, slots=True)
class Done:
    """``resource_version`` after the write, "" when the object is gone."""

    resource_version: str = ""
    body: Mapping[str, Any] | None = None


async def write(cluster: Cluster, change: Change, body: Mapping[str, Any], resource_version: str) -> Done:
    """Carry out one step. ``resource_version`` is what the object must still have ("" for a create).

    Raises ClusterError: Conflict when the object moved since the plan; Unreachable or ServerFailed when it is not
    known whether the write happened.
    """
    match change.action:
        case _ if change.lent:
            return await _keys(cluster, change, body, resource_version)
        case Action.PRUNE:
            await cluster.delete(change.key, change.kind, change.uid, resource_version)
            return Done()
        case Action.REPLACE:
            return await _replace(cluster, change, body, resource_version)
        case Action.CREATE:
            # no force: if somebody created it meanwhile with other values, that is a conflict and not ours to win
            return _done(await cluster.apply(body, change.kind, force=False))
        case _:
            return await _update(cluster, change, body, resource_version)


async def _keys(cluster: Cluster, change: Change, body: Mapping[str, Any], resource_version: str) -> Done:
    """Keys of ours on somebody else's object, which is never created. An apply would do that, also where it names a
    version; one that names an identity is refused."""
    if await cluster.read(change.key, change.kind) is None:
        if change.action is Action.PRUNE:
            return Done()
        raise Absent(f"{change.key} is not there any more, and not ours to create", 404)
    wanted = change.desired if change.action is Action.PRUNE and change.desired is not None else body
    known = guarded(wanted, resource_version)
    same = {**known, "metadata": known["metadata"] | ({"uid": change.uid} if change.uid else {})}
    return _done(await cluster.apply(same, change.kind, force=True))


async def _update(cluster: Cluster, change: Change, body: Mapping[str, Any], resource_version: str) -> Done:
    if change.foreign_paths:
        written = await cluster.remove_fields(change.key, change.kind, change.foreign_paths, resource_version)
        resource_version = written.resource_version
    return _done(await cluster.apply(guarded(body, resource_version), change.kind, force=True))


def guarded(body: Mapping[str, Any], resource_version: str) -> dict[str, Any]:
    """The body with the version that the object must still have: server-side apply then refuses a moved object."""
    metadata = {**body["metadata"], "resourceVersion": resource_version}
    return {**body, "metadata": metadata if resource_version else dict(body["metadata"])}


async def _replace(cluster: Cluster, change: Change, body: Mapping[str, Any], resource_version: str) -> Done:
    """Delete and create anew, but only after the server said that it would take the new one; the old one is put
    back when it then does not."""
    old = await cluster.read(change.key, change.kind)
    trial = await cluster.predict(_renamed(body), change.kind)
    if trial.body is None:
        why = trial.error or "the account may not try it out"
        raise Rejected(f"not replaced, the new object would be refused: {why}", 422)
    await cluster.delete(change.key, change.kind, change.uid, resource_version)
    try:
        return _done(await cluster.apply(body, change.kind, force=True))
    except ClusterError as problem:
        if old is not None:
            await cluster.apply(_restorable(old.body()), change.kind, force=True)
        raise Rejected(f"the old object was put back, the new one failed: {problem}", problem.status) from problem


def _renamed(body: Mapping[str, Any]) -> dict[str, Any]:
    name = f"{body['metadata']['name'][:40]}-replacement-trial"
    return {**body, "metadata": {**body["metadata"], "name": name}}


def _restorable(body: Mapping[str, Any]) -> dict[str, Any]:
    """An object as read, without what only the server may set."""
    kept = {
        key: value for key in ("name", "namespace", "labels", "annotations")
        if (value := get(body, ("metadata", key))) is not MISSING
    }  # fmt: skip
    return {**{key: value for key, value in body.items() if key not in ("metadata", "status")}, "metadata": kept}


def _done(written: Written) -> Done:
    return Done(written.resource_version, written.body)
