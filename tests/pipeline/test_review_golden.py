"""Whole reports as they are posted, one per scenario.

Renew with ``pytest tests/pipeline/test_review_golden.py --update-golden`` and read the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.report.review import comment
from tests.pipeline.fleet import Fleet
from tests.pipeline.scenarios import SCENARIOS

GOLDEN = Path(__file__).parent / "reviews"


@pytest.fixture
def fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Two clusters; the same commits have the same hashes."""
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2026-11-21T12:00:00Z")
    return Fleet(tmp_path, {"eu": None, "us": None})


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_report(name: str, fixed: Fleet, request: pytest.FixtureRequest) -> None:
    scenario = SCENARIOS[name]
    text = comment(scenario.run(fixed), scenario.shown)
    fixed.store.close()
    path = GOLDEN / f"{name}.md"
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    assert path.read_text() == text
    assert len(text.encode()) <= scenario.shown.limit


def test_every_report_has_a_scenario() -> None:
    assert {path.stem for path in GOLDEN.glob("*.md")} == set(SCENARIOS)
