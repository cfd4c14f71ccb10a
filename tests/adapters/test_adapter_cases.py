"""Data-only cases: ``cases/<mesh>/<case>/given.yaml`` to ``expected.yaml`` (objects in order of wave, and findings).

Renew with ``pytest tests/adapters --update-golden`` and read the diff.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters import registry
from reconciler.adapters.base import Adapter
from reconciler.model.canonical import encode
from reconciler.model.codes import CODES
from reconciler.model.findings import Finding
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from tests.adapters import crds, given, webhook

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/*/given.yaml"))


def named(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def adapter_of(case: Path) -> Adapter:
    found = registry.load(case.parent.name)
    assert found is not None
    return found


def emitted(case: Path, intent: MeshIntent) -> list[NativeObject]:
    objects = [native for built in adapter_of(case).build(intent) for native in built.objects]
    return sorted(objects, key=lambda native: (native.kind.wave, native.key))


def outcome(case: Path) -> dict[str, Any]:
    intent = read(case)
    findings = [f"{item.severity} {item.code} {item.message}" for item in findings_of(case, intent)]
    return {"objects": [native.body for native in emitted(case, intent)], "findings": findings}


def findings_of(case: Path, intent: MeshIntent) -> list[Finding]:
    return list(dict.fromkeys(finding for built in adapter_of(case).build(intent) for finding in built.findings))


def read(case: Path) -> MeshIntent:
    return given.read(case / "given.yaml", case.parent.name)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_case(case: Path, request: pytest.FixtureRequest) -> None:
    made, expected = outcome(case), case / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(given.dump(made))
    assert made == yaml.load(expected.read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_objects_fit_their_crd(case: Path) -> None:
    known = crds.of(case.parent.name)
    if not known:
        pytest.skip(crds.NONE)
    for native in emitted(case, read(case)):
        if native.key.group:
            assert crds.problems(native.body, known[(native.api_version, native.key.kind)]) == [], native.key


@pytest.mark.parametrize("case", CASES, ids=named)
def test_no_webhook_refuses_an_object(case: Path) -> None:
    for native in emitted(case, read(case)):
        assert webhook.refusals(native.body) == [], native.key


@pytest.mark.parametrize("case", CASES, ids=named)
def test_objects_are_as_declared(case: Path) -> None:
    intent = read(case)
    objects = emitted(case, intent)
    assert len({native.key for native in objects}) == len(objects)
    for native in objects:
        declared = adapter_of(case).kind(native.key.kind_id)
        assert declared is not None
        assert native.kind.versions == declared.versions
        assert native.origins == tuple(sorted(set(native.origins))) != ()
    assert encode([native.body for native in emitted(case, intent)]) == encode([native.body for native in objects])


@pytest.mark.parametrize("case", CASES, ids=named)
def test_findings_are_placed_and_known(case: Path) -> None:
    for finding in findings_of(case, read(case)):
        assert finding.code in CODES
        assert finding.position.path
        assert finding.documents
        assert str(finding.target) == "eu-1/mesh"
