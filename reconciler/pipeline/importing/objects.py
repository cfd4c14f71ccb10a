"""Objects as they are imported: without what the server keeps in them; and which of them are not taken at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.adapters.base import Adapter
from reconciler.adapters.importing import Body, key_of
from reconciler.model.imports import Fate, Taken
from reconciler.model.native import OWNER_LABEL
from reconciler.model.refs import KindId

_NOT_SAID = ("kubectl.kubernetes.io/last-applied-configuration",)
_NOT_COPIED = frozenset({"metadata", "status"})


def cleaned(body: Body) -> dict[str, Any]:
    """Name, labels and annotations of an object and its content."""
    given: Mapping[str, Any] = body.get("metadata") or {}
    metadata: dict[str, Any] = {name: given[name] for name in ("name", "namespace") if given.get(name)}
    for part in ("labels", "annotations"):
        kept = {key: value for key, value in sorted((given.get(part) or {}).items()) if key not in _NOT_SAID}
        if kept:
            metadata[part] = kept
    head = {"apiVersion": body.get("apiVersion"), "kind": body.get("kind"), "metadata": metadata}
    return head | {name: value for name, value in body.items() if name not in head and name not in _NOT_COPIED}


def unlisted(bodies: Iterable[Body]) -> list[Body]:
    """Items of ``kind: List`` beside what is no list."""
    found: list[Body] = []
    for body in bodies:
        is_list = str(body.get("kind", "")).endswith("List") and isinstance(body.get("items"), list)
        found += [item for item in body["items"] if isinstance(item, Mapping)] if is_list else [body]
    return found


def with_namespace(body: Body, adapter: Adapter, namespace: str) -> Body:
    """A body of a file that leaves its namespace to the one who applies it."""
    kind = adapter.kind(KindId(key_of(body).group, key_of(body).kind))
    if kind is None or not kind.namespaced or key_of(body).namespace:
        return body
    return {**body, "metadata": {**(body.get("metadata") or {}), "namespace": namespace}}


def sorted_out(bodies: Iterable[Body], adapter: Adapter) -> tuple[list[dict[str, Any]], list[Taken]]:
    """What is imported, by key; and what is not, with the reason."""
    wanted: dict[Any, dict[str, Any]] = {}
    skipped = []
    for body in bodies:
        key = key_of(body)
        reason = _why_not(body, adapter) or ("it is there twice" if key in wanted else "")
        if reason:
            skipped.append(Taken(key, Fate.SKIPPED, reason=reason))
        else:
            wanted[key] = cleaned(body)
    return [wanted[key] for key in sorted(wanted)], skipped


def _why_not(body: Body, adapter: Adapter) -> str:
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    if not metadata.get("name"):
        return "it has no name"
    if not is_own(key_of(body).kind_id, adapter):
        return f"not a kind of {adapter.name}"
    if owner := (metadata.get("labels") or {}).get(OWNER_LABEL):
        return f"it is owned by the reconciler {owner}"
    controllers = [one for one in metadata.get("ownerReferences") or () if one.get("controller")]
    return f"{controllers[0].get('kind')} {controllers[0].get('name')} makes it" if controllers else ""


def is_own(kind: KindId, adapter: Adapter) -> bool:
    """Whether objects of a kind are wholly about the mesh; a Service is not."""
    found = adapter.kind(kind)
    return found is not None and found.exclusive
