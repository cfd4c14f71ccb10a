"""Whole-path golden cases: ``<case>/given.yaml`` to ``expected.yaml``; see ``whole`` for the form.

Renew with ``pytest tests/cases --update-golden`` and read the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reconciler.model.codes import CODES
from tests.cases.whole import CASES, compiled, outcome, render, unsound

FOUND = sorted(path.parent for path in CASES.glob("*/given.yaml"))


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_case(case: Path, request: pytest.FixtureRequest) -> None:
    expected = case / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(render(case))
    assert outcome(case) == yaml.load(expected.read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_case_gives_sound_objects(case: Path) -> None:
    made, _ = compiled(case)
    for objects in made.objects.values():
        assert len({one.key for one in objects}) == len(objects)
        for one in objects:
            assert one.origins, one.key
            assert unsound(one.body) == [], one.key


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_findings_have_known_codes(case: Path) -> None:
    made, found = compiled(case)
    assert {one.code for one in (*made.findings, *found)} <= set(CODES)
