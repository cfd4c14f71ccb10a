"""Intentions of a server before 1.9, where each pair of source and destination is one by itself, as the one object for
each destination that newer servers have.

There is no check-and-set for them: what lives is read again right before the first write, and the writes of one object
go in an order in which nothing is let in that neither the old nor the new object lets in: refusals first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.io.consul.client import Client
from reconciler.io.consul.entries import body_of, check_destination
from reconciler.io.consul.kinds import INTENTIONS, entry_name, key_of
from reconciler.io.consul.meta import to_meta
from reconciler.model.canonical import digest
from reconciler.model.native import OWNER_LABEL
from reconciler.model.refs import ObjectKey
from reconciler.ports import Conflict, Rejected

PATH = "connect/intentions"
Intention = Mapping[str, Any]
_FIELDS = frozenset({"name", "action", "description", "namespace", "partition"})


def by_destination(found: Iterable[Intention]) -> dict[ObjectKey, list[Intention]]:
    """The intentions of each object, by their sources."""
    groups: dict[ObjectKey, list[Intention]] = {}
    for one in sorted(found, key=lambda one: str(one["SourceName"])):
        groups.setdefault(key_of(INTENTIONS, str(one["DestinationName"])), []).append(one)
    return groups


def version_of(group: Iterable[Intention]) -> str:
    """Moves with every change of one of them."""
    return digest([[str(one["ID"]), int(one["ModifyIndex"])] for one in group])[:16]


def to_body(key: ObjectKey, group: Iterable[Intention]) -> dict[str, Any]:
    """The object. Its labels and annotations are those of the intentions that we wrote, where there are any."""
    known = list(group)
    meta: dict[str, str] = {}
    for one in sorted(known, key=_is_ours):
        meta |= one.get("Meta") or {}
    spec = {"destination": {"name": entry_name(key)}, "sources": [_source(one) for one in known]}
    return body_of(key, spec, meta)


async def put(client: Client, body: Mapping[str, Any], key: ObjectKey, group: Iterable[Intention]) -> None:
    """Make the intentions of a destination those of the object. Rejected for what such a server cannot say."""
    spec = body.get("spec") or {}
    check_destination(spec.get("destination"), key)
    wanted = {str(source["name"]): _checked(source, key) for source in spec.get("sources") or ()}
    there = {str(one["SourceName"]): one for one in group}
    meta = to_meta(body["metadata"])
    for name, source in sorted(wanted.items(), key=lambda item: (item[1].get("action") == "allow", item[0])):
        await _put(client, _native(source, key, meta), there.get(name))
    gone = [one for name, one in there.items() if name not in wanted]
    for one in sorted(gone, key=lambda one: one.get("Action") != "allow"):
        await client.write("DELETE", f"{PATH}/{one['ID']}")


async def delete(client: Client, group: Iterable[Intention]) -> None:
    """Those that carry our mark; the others are somebody else's. What lets callers in goes first."""
    known = [one for one in group if _is_ours(one)]
    for one in sorted(known, key=lambda one: one.get("Action") != "allow"):
        await client.write("DELETE", f"{PATH}/{one['ID']}")


def _is_ours(one: Intention) -> bool:
    return OWNER_LABEL in (one.get("Meta") or {})


def _source(one: Intention) -> dict[str, Any]:
    said = {"name": one["SourceName"], "action": one["Action"]}
    return said | ({"description": one["Description"]} if one.get("Description") else {})


def _checked(source: Mapping[str, Any], key: ObjectKey) -> Mapping[str, Any]:
    if unknown := sorted(set(source) - _FIELDS):
        raise Rejected(f"{key}: intentions of this server have no {', '.join(unknown)}: that needs 1.9 or newer", 400)
    return source


def _native(source: Mapping[str, Any], key: ObjectKey, meta: Mapping[str, str]) -> dict[str, Any]:
    return {
        "SourceName": source["name"],
        "DestinationName": entry_name(key),
        "SourceType": "consul",
        "Action": source["action"],
        "Description": source.get("description", ""),
        "Meta": dict(meta),
    }


async def _put(client: Client, wanted: Mapping[str, Any], there: Intention | None) -> None:
    """The whole intention, since what is left out of a PUT is erased."""
    if there is None:
        try:
            await client.write("POST", PATH, wanted)
        except Rejected as problem:
            if "duplicate intention" in str(problem):
                raise Conflict(str(problem), 409) from problem
            raise
    elif any((there.get(name) or "") != (value or "") for name, value in wanted.items()):
        await client.write("PUT", f"{PATH}/{there['ID']}", wanted)
