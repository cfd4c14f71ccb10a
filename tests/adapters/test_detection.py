"""Data-only cases of detection: ``detection/<mesh>/<case>/objects.yaml``, as ``kubectl get -o yaml`` prints them, to
``expected.yaml``, the facts without what is as usual. Renew with ``--update-golden`` and read the diff.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters import registry
from reconciler.model.facts import MeshFacts
from tests.adapters import given

FOLDER = Path(__file__).parent / "detection"
CASES = sorted(case for mesh in FOLDER.iterdir() for case in mesh.iterdir())
Detect = Callable[[Iterable[Mapping[str, Any]]], tuple[MeshFacts, ...]]
DETECT: Mapping[str, Detect] = {name: adapter.detect for name, adapter in registry.load_all().items()}
KINDS = {name: adapter.detect_kinds for name, adapter in registry.load_all().items()}
#: what the I/O layer gives besides
MORE = {"appmesh": {"Account"}, "consul": {"Datacenter"}}


def objects(case: Path) -> list[dict[str, Any]]:
    return [body for body in yaml.load_all((case / "objects.yaml").read_text(), yaml.CSafeLoader) if body]


def told(value: Any) -> Any:
    """Facts as plain values: fields in order, those that say nothing left out."""
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {name: told(item) for name, item in fields.items() if item}
    if isinstance(value, tuple):
        return [told(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_case(case: Path, request: pytest.FixtureRequest) -> None:
    made = {"meshes": [told(mesh) for mesh in DETECT[case.parent.name](objects(case))]}
    expected = case / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(given.dump(made))
    assert made == yaml.load(expected.read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_the_order_of_objects_does_not_matter(case: Path) -> None:
    detect = DETECT[case.parent.name]
    assert detect(reversed(objects(case))) == detect(objects(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_only_kinds_that_are_read_are_given(case: Path) -> None:
    kinds = {kind.kind.kind for kind in KINDS[case.parent.name]} | {"Pod"} | MORE.get(case.parent.name, set())
    assert {body["kind"] for body in objects(case)} <= kinds
