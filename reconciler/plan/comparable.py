"""The form in which desired, live and predicted bodies may be compared.

Server metadata and status are left out. Of labels and annotations only those count that we ask for or own;
what others put there is theirs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.model import lent
from reconciler.model.native import COMMIT_ANNOTATION, EVENT_ANNOTATION, FIELD_MANAGER
from reconciler.plan.authors import owned_paths, owners
from reconciler.plan.paths import MISSING, Path, get, put

Normalize = Callable[[Mapping[str, Any]], Mapping[str, Any]]
#: they tell of the last write, and are no part of what is asked
_LAST_WRITE = frozenset({COMMIT_ANNOTATION, EVENT_ANNOTATION})
_SERVER_FIELDS = frozenset({"apiVersion", "kind", "metadata", "status"})


def content(body: Mapping[str, Any], normalize: Normalize) -> dict[str, Any]:
    """Everything but metadata and status, as the adapter lets it be compared."""
    plain = {key: value for key, value in body.items() if key != "status"}
    return {key: value for key, value in normalize(plain).items() if key not in _SERVER_FIELDS}


def marks(body: Mapping[str, Any], names: Mapping[str, frozenset[str]]) -> dict[str, dict[str, str]]:
    """The labels and annotations of those names, without those about the last write."""
    metadata = body.get("metadata", {})
    return {
        part: {
            name: value
            for name, value in (metadata.get(part) or {}).items()
            if name in names[part] and name not in _LAST_WRITE
        }
        for part in ("annotations", "labels")
    }


def mark_names(desired: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Names of labels and annotations that count: asked for now, or set by us before (as the cluster records it, or as
    somebody else's object says)."""
    ours = [
        path for owner in owners(live) if owner.manager == FIELD_MANAGER for path in owned_paths(owner.fields, live)
    ]
    wanted = desired.get("metadata", {})
    said = lent.named(live.get("metadata", {}))
    return {
        part: frozenset(wanted.get(part) or {})
        | said[part]
        | {str(path[2]) for path in ours if len(path) > 2 and path[:2] == ("metadata", part)}
        for part in ("annotations", "labels")
    }


def comparable(body: Mapping[str, Any], names: Mapping[str, frozenset[str]], normalize: Normalize) -> dict[str, Any]:
    """The whole of what is compared of one body."""
    chosen = {part: values for part, values in marks(body, names).items() if values}
    return {**({"metadata": chosen} if chosen else {}), **content(body, normalize)}


def foreign_paths(live: Mapping[str, Any], desired: Mapping[str, Any], ignored: Iterable[Path]) -> tuple[Path, ...]:
    """Fields of an exclusive object that another manager set and we do not ask for, each at its highest such
    place, deepest indices first so that they can be removed in this order. Fields that nobody owns (defaults, what
    a webhook put there) are not among them."""
    kept = tuple(ignored)
    found: set[Path] = set()
    for owner in owners(live):
        if owner.manager == FIELD_MANAGER:
            continue
        for path in owned_paths(owner.fields, live):
            if path[0] in _SERVER_FIELDS or get(desired, path) is not MISSING:
                continue
            top = _highest_absent(path, desired)
            if top and not any(path[: len(other)] == other or other[: len(top)] == top for other in kept):
                found.add(top)
    return tuple(sorted(found, key=lambda path: [str(part).zfill(6) for part in path], reverse=True))


def _highest_absent(path: Path, desired: Mapping[str, Any]) -> Path:
    """The shortest prefix that desired lacks; () when an ancestor is a list that we set whole."""
    for end in range(1, len(path) + 1):
        if get(desired, path[:end]) is MISSING:
            return path[:end] if not isinstance(path[end - 1], int) or end == len(path) else ()
    return ()


def without(body: Mapping[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """A copy of a body with these paths removed."""
    result: dict[str, Any] = copy.deepcopy(dict(body))
    for path in paths:
        put(result, path, MISSING)
    return result
