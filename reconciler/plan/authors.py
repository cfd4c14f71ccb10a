"""Who wrote which field: reading managedFields (fieldsV1) of a live object.

Format: https://kubernetes.io/docs/reference/using-api/server-side-apply/ — ``f:<name>`` a field, ``k:{...}`` an
item of a list by its keys, ``v:<value>`` an item of a set, ``.`` the thing itself; a leaf is an empty object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model import canonical
from reconciler.model.live import FieldOwner, LiveObject
from reconciler.model.native import FIELD_MANAGER
from reconciler.model.plans import Author
from reconciler.plan.paths import MISSING, Path, get


def owners(body: Mapping[str, Any]) -> tuple[FieldOwner, ...]:
    """The entries of managedFields, as they come; none where the cluster keeps no such record."""
    return tuple(
        FieldOwner(
            manager=str(entry.get("manager", "")),
            operation=str(entry.get("operation", "")),
            time=str(entry.get("time", "")),
            fields=entry.get("fieldsV1") or {},
        )
        for entry in body.get("metadata", {}).get("managedFields") or ()
        if entry.get("subresource", "") != "status"
    )


def owned_paths(fields: Mapping[str, Any], body: Any, done: Path = ()) -> Iterator[Path]:
    """Every leaf path of a fieldsV1 that exists in ``body``, list items by their present index."""
    for name, below in fields.items():
        part = _resolve(name, get(body, done))
        if part is None:
            continue
        path = (*done, part)
        if below and set(below) != {"."}:
            yield from owned_paths(below, body, path)
        elif get(body, path) is not MISSING:
            yield path


def _resolve(name: str, value: Any) -> str | int | None:
    """The key or index that one fieldsV1 name means in a value; None for "." and for items that are gone."""
    if name.startswith("f:"):
        return name[2:]
    if not isinstance(value, list):
        return None
    if name.startswith("k:"):
        keys = json.loads(name[2:])
        matches = (
            index
            for index, item in enumerate(value)
            if isinstance(item, Mapping) and all(canonical.equal(item.get(key), want) for key, want in keys.items())
        )
        return next(matches, None)
    if name.startswith("v:"):
        want = json.loads(name[2:])
        return next((index for index, item in enumerate(value) if canonical.equal(item, want)), None)
    return None


def is_ours(found: LiveObject) -> bool | None:
    """Whether our field manager wrote to the object; None where nothing tells."""
    managers = found.managers
    if managers is None:
        entries = found.body().get("metadata", {}).get("managedFields") or ()
        managers = frozenset(str(entry.get("manager", "")) for entry in entries)
    return FIELD_MANAGER in managers if managers else None


def author_of(path: Path, body: Mapping[str, Any], known: tuple[FieldOwner, ...]) -> Author | None:
    """Who last wrote the field, or an atomic value around it; for a field that is gone, the object's last other
    writer. None where the cluster keeps no record."""
    holders = [owner for owner in known if _covers(owner.fields, path, body)]
    foreign = [owner for owner in holders if owner.manager != FIELD_MANAGER]
    if not holders and get(body, path) is MISSING:
        foreign = [owner for owner in known if owner.manager != FIELD_MANAGER]
    chosen = max(foreign or holders, key=lambda owner: owner.time, default=None)
    return None if chosen is None else Author(chosen.manager, chosen.operation, chosen.time)


def _covers(fields: Mapping[str, Any], path: Path, body: Any) -> bool:
    value = body
    for depth, part in enumerate(path):
        below = next((sub for name, sub in fields.items() if _resolve(name, value) == part), None)
        if below is None:
            return False
        if not below or set(below) == {"."}:
            return True
        value = get(body, path[: depth + 1])
        fields = below
    return True
