"""Every object of every case of ``tests/cases`` and ``tests/adapters/cases``, in namespaces of its case alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.adapters import registry
from reconciler.model.native import INSTALL_PART, PART_ANNOTATION, NativeObject
from tests.adapters.given import Loader
from tests.adapters.test_adapter_cases import CASES as ADAPTER_CASES
from tests.adapters.test_adapter_cases import emitted, read
from tests.cases.whole import API, CASES, compiled

Body = Mapping[str, Any]
#: objects by type of mesh and name of their case
Golden = dict[tuple[str, str], tuple[NativeObject, ...]]


def adapter_objects() -> Golden:
    """What emitters make of the intents of ``tests/adapters/cases``, without keys on objects of others."""
    return {(case.parent.name, case.name): _own(emitted(case, read(case))) for case in ADAPTER_CASES}


def _own(objects: Iterable[NativeObject]) -> tuple[NativeObject, ...]:
    """Control planes are tried by themselves (test_installing_kube.py): their objects cannot be moved."""
    return tuple(one for one in objects if not one.lent and not _is_installed(one))


def _is_installed(one: NativeObject) -> bool:
    return one.body["metadata"].get("annotations", {}).get(PART_ANNOTATION) == INSTALL_PART


def whole_objects(beside: Iterable[Body] = ()) -> Golden:
    """What ``tests/cases`` are compiled to; ``beside``: further live objects of each."""
    found: Golden = {}
    for path in sorted(CASES.glob("*/given.yaml")):
        found |= _whole(path.parent, tuple(beside))
    return found


def _whole(case: Path, beside: tuple[Body, ...]) -> Golden:
    made, _ = compiled(case, beside)
    types = _types(case)
    return {
        (types.get(target.mesh) or _mesh(objects), f"{case.name}@{target.cluster}"): _own(objects)
        for target, objects in made.objects.items()
        if _own(objects)
    }


def _types(case: Path) -> dict[str, str]:
    """Of the meshes that a case declares itself, what they are."""
    bodies = (body for body in yaml.load_all((case / "given.yaml").read_text(), Loader) if body)
    return {
        str(body["metadata"]["name"]): str(body["spec"]["type"])
        for body in bodies
        if body.get("kind") == "Mesh" and body.get("apiVersion") == API and "type" in body.get("spec", {})
    }


def _mesh(objects: Iterable[NativeObject]) -> str:
    """The type of mesh that has most of the kinds."""
    kinds = [one.key.kind_id for one in objects]
    adapters = {name: one for name, one in registry.load_all().items() if not one.default_mesh.declared}
    return max(sorted(adapters), key=lambda name: sum(adapters[name].kind(kind) is not None for kind in kinds))


def apart(golden: Golden, prefix: str) -> tuple[dict[str, list[NativeObject]], dict[str, str]]:
    """The objects by type of mesh, each case in namespaces of its own; and of each namespace the case."""
    objects: dict[str, list[NativeObject]] = {}
    cases: dict[str, str] = {}
    for number, ((mesh, case), several) in enumerate(sorted(golden.items())):
        for one in several:
            moved = _moved(one, f"{prefix}-{number}-{one.key.namespace}")
            cases[moved.key.namespace] = f"{mesh}/{case}"
            objects.setdefault(mesh, []).append(moved)
    return objects, cases


def _moved(one: NativeObject, namespace: str) -> NativeObject:
    body = {**one.body, "metadata": {**one.body["metadata"], "namespace": namespace}}
    return replace(one, key=replace(one.key, namespace=namespace), body=body)


def missing(asked: Any, live: Any, path: str = "") -> list[str]:
    """Paths of what was asked and is not there."""
    if isinstance(asked, Mapping) and isinstance(live, Mapping):
        return [
            text
            for key, value in asked.items()
            for text in (missing(value, live[key], f"{path}.{key}") if key in live else [f"{path}.{key}"])
        ]
    if isinstance(asked, list) and isinstance(live, list) and len(asked) == len(live):
        pairs = enumerate(zip(asked, live, strict=True))
        return [text for index, (one, other) in pairs for text in missing(one, other, f"{path}[{index}]")]
    return [] if asked == live and type(asked) is type(live) else [path]
