"""Objects as they are imported: without what the server keeps in them; and which of them are not taken at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.base import Adapter
from reconciler.adapters.importing import Body, key_of
from reconciler.model.imports import Fate, Taken
from reconciler.model.native import MANAGED_BY, MANAGED_BY_LABEL, OWNER_LABEL
from reconciler.model.refs import KindId, ObjectKey

#: what other tools remember in objects, by the beginning of its name: it is theirs, and stays where it is
_MARKS = {
    "argocd.argoproj.io/": "Argo CD",
    "kustomize.toolkit.fluxcd.io/": "Flux",
    "helm.toolkit.fluxcd.io/": "Flux",
    "meta.helm.sh/": "Helm",
    "helm.sh/": "Helm",
    "aws:cloudformation:": "CloudFormation",
}
_NOT_SAID = ("kubectl.kubernetes.io/last-applied-configuration", MANAGED_BY_LABEL)
_NOT_COPIED = frozenset({"metadata", "status"})


def cleaned(body: Body) -> dict[str, Any]:
    """Name, labels and annotations of an object and its content."""
    given: Mapping[str, Any] = body.get("metadata") or {}
    metadata: dict[str, Any] = {name: given[name] for name in ("name", "namespace") if given.get(name)}
    for part in ("labels", "annotations"):
        kept = {key: value for key, value in sorted((given.get(part) or {}).items()) if not _is_mark(key)}
        if kept:
            metadata[part] = kept
    head = {"apiVersion": body.get("apiVersion"), "kind": body.get("kind"), "metadata": metadata}
    return head | {name: value for name, value in body.items() if name not in head and name not in _NOT_COPIED}


def _is_mark(name: str) -> bool:
    return name in _NOT_SAID or name.startswith(tuple(_MARKS))


def other_owners(body: Body) -> tuple[str, ...]:
    """Remarks on tools that look after an object already, and may write it back."""
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    labels = metadata.get("labels") or {}
    names = [*labels, *(metadata.get("annotations") or {})]
    tools = {tool for mark, tool in _MARKS.items() if any(str(name).startswith(mark) for name in names)}
    said = str(labels.get(MANAGED_BY_LABEL, ""))
    tools |= {said} if said and said != MANAGED_BY else set()
    return tuple(f"{tool} looks after it, too: have it let go before this is applied" for tool in sorted(tools))


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


@dataclass(frozen=True, slots=True)
class Sorted:
    """What is imported, by key, with remarks on some; and what is not, with the reason. ``lent``: those of somebody
    else, of which only the keys of the mesh are imported."""

    wanted: Mapping[ObjectKey, dict[str, Any]]
    remarks: Mapping[ObjectKey, tuple[str, ...]]
    skipped: tuple[Taken, ...]
    lent: frozenset[ObjectKey] = frozenset()


def sorted_out(bodies: Iterable[Body], adapter: Adapter) -> Sorted:
    wanted: dict[ObjectKey, dict[str, Any]] = {}
    remarks: dict[ObjectKey, tuple[str, ...]] = {}
    skipped = []
    lent: set[ObjectKey] = set()
    for given in bodies:
        key, keys = key_of(given), lent_keys(given, adapter)
        body = keys or given
        reason = _why_not(body, adapter) or ("it is there twice" if key in wanted else "")
        if reason:
            skipped.append(Taken(key, Fate.SKIPPED, reason=reason))
        else:
            wanted[key], remarks[key] = cleaned(body), other_owners(given)
            lent |= {key} if keys else set()
    return Sorted({key: wanted[key] for key in sorted(wanted)}, remarks, tuple(skipped), frozenset(lent))


def lent_keys(body: Body, adapter: Adapter) -> Body | None:
    """What an object of somebody else says to the mesh: that object with nothing but these annotations; None for one
    that says nothing, or is the mesh's own."""
    marks = adapter.lending.get(key_of(body).kind_id, ())
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    annotations: Mapping[str, Any] = metadata.get("annotations") or {}
    said = {key: value for key, value in annotations.items() if marks and str(key).startswith(marks)}
    if not said:
        return None
    kept = {name: metadata[name] for name in ("name", "namespace", "ownerReferences") if name in metadata}
    owner = annotations.get(OWNER_LABEL) or (metadata.get("labels") or {}).get(OWNER_LABEL)
    kept |= {"annotations": said} | ({"labels": {OWNER_LABEL: owner}} if owner else {})
    return {"apiVersion": body.get("apiVersion"), "kind": body.get("kind"), "metadata": kept}


def _why_not(body: Body, adapter: Adapter) -> str:
    metadata: Mapping[str, Any] = body.get("metadata") or {}
    if not metadata.get("name"):
        return "it has no name"
    if not is_own(key_of(body).kind_id, adapter) and lent_keys(body, adapter) is None:
        return f"not a kind of {adapter.name}"
    if owner := (metadata.get("labels") or {}).get(OWNER_LABEL):
        return f"it is owned by the reconciler {owner}"
    if maker := adapter.maker(body):
        return f"{maker} makes it"
    controllers = [one for one in metadata.get("ownerReferences") or () if one.get("controller")]
    return f"{controllers[0].get('kind')} {controllers[0].get('name')} makes it" if controllers else ""


def is_own(kind: KindId, adapter: Adapter) -> bool:
    """Whether objects of a kind are wholly about the mesh; a Service is not."""
    found = adapter.kind(kind)
    return found is not None and found.exclusive
