"""What applying a body to an object in a file comes to. A folder knows no field managers, so this is simpler than an
API server: exclusive kinds are replaced but for what others put into metadata and status; shared kinds are merged
key by key, lists taken whole. A field of a shared kind that we no longer set therefore stays; but not a label or an
annotation that the object names as ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.io.pointers import parse, removal_order
from reconciler.model import lent
from reconciler.model.canonical import plain
from reconciler.model.native import MANAGED_BY_LABEL, OWNER_LABEL, NativeKind
from reconciler.ports import Rejected

OUR_PREFIX = "reconciler.dev/"
#: an API server's own bookkeeping: wrong as soon as we write
_STALE = ("resourceVersion", "managedFields", "generation")
_Body = dict[str, Any]


def merged(desired: Mapping[str, Any], live: Mapping[str, Any] | None, kind: NativeKind) -> _Body:
    """The body to be written."""
    wanted: _Body = plain(desired)
    wanted["metadata"] = {key: value for key, value in wanted["metadata"].items() if key not in (*_STALE, "uid")}
    if live is None:
        return wanted
    found: _Body = plain(live)
    meta = _metadata(wanted["metadata"], found.get("metadata") or {})
    if not kind.exclusive:
        return {**_deep(found, wanted), "metadata": meta}
    kept = {"status": found["status"]} if "status" in found else {}
    return {**kept, **wanted, "metadata": meta}


def with_keys(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> _Body:
    """Somebody else's object with our labels and annotations on it."""
    found: _Body = plain(theirs)
    return {**found, "metadata": _metadata(plain(ours)["metadata"], found["metadata"])}


def without(body: Mapping[str, Any], pointers: Sequence[str]) -> _Body:
    """The body without these fields; Rejected when one is not there."""
    changed: _Body = plain(body)
    for pointer in removal_order(pointers):
        *way, last = parse(pointer)
        place: Any = changed
        try:
            for step in way:
                place = place[int(step)] if isinstance(place, list) else place[step]
            del place[int(last) if isinstance(place, list) else last]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise Rejected(f"there is no {pointer} to remove") from error
    return changed


def _metadata(wanted: _Body, found: _Body) -> _Body:
    meta = {key: value for key, value in found.items() if key not in _STALE} | wanted
    said, whole = lent.named(found), OWNER_LABEL in (found.get("labels") or {})
    for name in lent.PARTS:
        given = (found.get(name) or {}).items()
        foreign = {key: value for key, value in given if not _is_ours(key, whole) and key not in said[name]}
        if both := foreign | (wanted.get(name) or {}):
            meta[name] = both
        else:
            meta.pop(name, None)
    return meta


def _is_ours(key: str, whole: bool) -> bool:
    """``whole``: the object is ours, and so is the label that says by whom it is managed."""
    return key.startswith(OUR_PREFIX) or (whole and key == MANAGED_BY_LABEL)


def _deep(found: Any, wanted: Any) -> Any:
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return wanted
    return found | {key: _deep(found.get(key), value) for key, value in wanted.items()}
