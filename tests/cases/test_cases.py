"""Whole-path golden cases: ``<case>/given.yaml`` to ``expected.yaml``; see ``whole`` for the form.

Renew with ``pytest tests/cases --update-golden`` and read the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reconciler.model.codes import CODES
from reconciler.pipeline.meshes import installed
from tests.adapters import crds, webhook
from tests.cases.whole import CASES, compiled, outcome, render

FOUND = sorted(path.parent for path in CASES.glob("*/given.yaml"))


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_case(case: Path, request: pytest.FixtureRequest) -> None:
    expected = case / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(render(case))
    assert outcome(case) == yaml.safe_load(expected.read_text())


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_case_gives_sound_objects(case: Path) -> None:
    made, _ = compiled(case)
    # some meshes bring older definitions of the routes that they share with others
    ordered = sorted(installed(), key=lambda name: name == "gateway-api")
    known = {key: schema for name in ordered for key, schema in crds.of(name).items()}
    for objects in made.objects.values():
        assert len({one.key for one in objects}) == len(objects)
        for one in objects:
            assert one.origins, one.key
            assert webhook.refusals(one.body) == [], one.key
            if schema := known.get((one.api_version, one.key.kind)):
                assert crds.problems(one.body, schema) == [], one.key


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_findings_have_known_codes(case: Path) -> None:
    made, found = compiled(case)
    assert {one.code for one in (*made.findings, *found)} <= set(CODES)
