"""A configuration entry as an object, and back. Its version is the ``ModifyIndex`` that check-and-set asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from reconciler.io.consul.fields import to_entry, to_spec
from reconciler.io.consul.kinds import API_VERSION, ENTRIES, INTENTIONS, KINDS, SINGLE, entry_name, key_of
from reconciler.io.consul.meta import to_meta, to_metadata
from reconciler.model.live import LiveObject
from reconciler.model.refs import ObjectKey
from reconciler.ports import Rejected

Entry = Mapping[str, Any]
#: of the server's own making
_OWN = frozenset({"Kind", "Name", "Meta", "CreateIndex", "ModifyIndex", "Hash", "Status", "Namespace", "Partition"})
_OWN_OF_SOURCE = frozenset({"precedence", "type", "legacyID", "legacyMeta", "legacyCreateTime", "legacyUpdateTime"})


def to_body(entry: Entry) -> dict[str, Any]:
    """The object of an entry as a server gives it."""
    kind = KINDS[str(entry["Kind"])]
    key = key_of(kind, str(entry.get("Name") or SINGLE.get(kind, "")))
    spec = to_spec({name: value for name, value in entry.items() if name not in _OWN})
    if kind == INTENTIONS:
        spec = {"destination": {"name": entry_name(key)}, **spec, "sources": _sources(spec)}
    return body_of(key, spec, entry.get("Meta") or {})


def body_of(key: ObjectKey, spec: Mapping[str, Any], meta: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": key.name, "namespace": key.namespace, **to_metadata(meta)}
    return {"apiVersion": API_VERSION, "kind": key.kind, "metadata": metadata, "spec": dict(spec)}


def to_api(body: Mapping[str, Any], key: ObjectKey) -> dict[str, Any]:
    """The entry to be written for an object. Rejected where a server would write another one than is asked for."""
    spec, name = dict(body.get("spec") or {}), entry_name(key)
    if key.kind in SINGLE and name != SINGLE[key.kind]:
        raise Rejected(
            f"{key}: there is one {key.kind} only, called {SINGLE[key.kind]!r}; a server overwrites that one"
        )
    if key.kind == INTENTIONS:
        check_destination(spec.pop("destination", None), key)
    found = {"Kind": ENTRIES[key.kind], "Name": name, **to_entry(spec)}
    meta = to_meta(body["metadata"])
    return found | ({"Meta": meta} if meta else {})


def check_destination(destination: Any, key: ObjectKey) -> None:
    """An entry has the name of its destination, so the object has to have it, too."""
    asked = destination.get("name") if isinstance(destination, Mapping) else None
    if asked != entry_name(key):
        raise Rejected(f"{key}: intentions for {asked!r} are called by it here")


def live(body: Mapping[str, Any], version: str) -> LiveObject:
    meta = body["metadata"]
    return LiveObject(
        key=ObjectKey(API_VERSION.partition("/")[0], body["kind"], meta["namespace"], meta["name"]),
        resource_version=version,
        raw=orjson.dumps(body),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
    )


def _sources(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in source.items() if name not in _OWN_OF_SOURCE}
        for source in spec.get("sources") or ()
    ]
