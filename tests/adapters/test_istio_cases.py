"""Data-only cases: ``cases/istio/<case>/given.yaml`` to ``expected.yaml`` (objects in order of wave, and findings).

Renew with ``pytest tests/adapters --update-golden`` and read the diff.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.istio import ADAPTER
from reconciler.model.canonical import encode
from reconciler.model.codes import CODES
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from tests.adapters import crds, given

CASES = sorted((Path(__file__).parent / "cases" / "istio").iterdir())


def emitted(intent: MeshIntent) -> list[NativeObject]:
    objects = [native for emitter in ADAPTER.emitters for native in emitter(intent)]
    return sorted(objects, key=lambda native: (native.kind.wave, native.key))


def outcome(intent: MeshIntent) -> dict[str, Any]:
    findings = [f"{item.severity} {item.code} {item.message}" for item in ADAPTER.review(intent)]
    return {"objects": [native.body for native in emitted(intent)], "findings": findings}


def read(case: Path) -> MeshIntent:
    return given.read(case / "given.yaml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, request: pytest.FixtureRequest) -> None:
    made, expected = outcome(read(case)), case / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(given.dump(made))
    assert made == yaml.safe_load(expected.read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_objects_fit_their_crd(case: Path) -> None:
    known = crds.schemas("istio")
    if not known:
        pytest.skip(f"NO CRDs TO CHECK AGAINST: none in {crds.folder()}; set MESH_CRDS to a folder that has them")
    for native in emitted(read(case)):
        schema = known[(native.api_version, native.key.kind)]
        assert crds.problems(native.body, schema) == [], native.key


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_objects_are_as_declared(case: Path) -> None:
    intent = read(case)
    objects = emitted(intent)
    assert len({native.key for native in objects}) == len(objects)
    for native in objects:
        declared = ADAPTER.kind(native.key.kind_id)
        assert declared is not None
        assert native.kind.versions == declared.versions
        assert native.origins == tuple(sorted(set(native.origins))) != ()
    assert encode([native.body for native in emitted(intent)]) == encode([native.body for native in objects])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_findings_are_placed_and_known(case: Path) -> None:
    for finding in ADAPTER.review(read(case)):
        assert finding.code in CODES
        assert finding.position.path
        assert finding.documents
        assert str(finding.target) == "eu-1/mesh"
