"""Proposals as documents in files: one file for each name in a namespace, what has no neutral form as Extensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Body, Draft, key_of
from reconciler.model.refs import API_VERSION, DocRef, ObjectKey
from reconciler.report.document_yaml import documents_yaml


@dataclass(frozen=True, slots=True)
class Written:
    """The documents of one object."""

    key: ObjectKey
    path: str
    documents: tuple[tuple[DocRef, Mapping[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where documents go. ``only``: the cluster that they are limited to, "" for every one."""

    folder: str
    only: str = ""

    def of_draft(self, draft: Draft) -> Written:
        bodies = tuple(
            self._document(one["kind"], one["name"], str(one.get("namespace") or draft.key.namespace), one["spec"])
            for one in draft.documents
        )
        return Written(draft.key, self.path(draft.key), bodies)

    def of_object(self, body: Body) -> Written:
        """An Extension that has the object as it is."""
        key = key_of(body)
        scope = {"workloads": [{"clusters": [self.only]}]} if self.only else {}
        name = f"{key.kind.lower()}-{key.name}"
        return Written(
            key, self.path(key), (self._document("Extension", name, key.namespace, scope | {"objects": [body]}),)
        )

    def path(self, key: ObjectKey) -> str:
        parts = (self.folder, self.only, key.namespace or "cluster-wide", f"{key.name}.yaml")
        return "/".join(part for part in parts if part)

    def _document(
        self, kind: str, name: str, namespace: str, spec: Mapping[str, Any]
    ) -> tuple[DocRef, Mapping[str, Any]]:
        """Names tell clusters apart where the documents do."""
        name = f"{name}.{self.only}" if self.only else name
        ref = DocRef(kind, namespace or "default", name)
        metadata = {"name": name, "namespace": ref.namespace}
        return ref, {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": _literal(spec)}


def _literal(value: Any) -> Any:
    """``${`` would be read as a variable."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: _literal(item) for key, item in value.items()}
    return [_literal(item) for item in value] if isinstance(value, list) else value


def files(written: Iterable[Written]) -> dict[str, str]:
    """The text of each file. What is of the same name stands in one."""
    by_path: dict[str, list[Written]] = {}
    for one in sorted(written, key=lambda one: one.key):
        if one.documents:
            by_path.setdefault(one.path, []).append(one)
    return {path: _text(by_path[path]) for path in sorted(by_path)}


def _text(several: Sequence[Written]) -> str:
    return documents_yaml((f"from {one.key}", body) for one in several for _, body in one.documents)
