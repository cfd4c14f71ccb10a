"""Data-only cases: objects in ``import_cases/<mesh>/<case>/given.yaml`` to documents, fates and findings.

``shop.yaml`` beside the cases is always there. Renew with ``pytest tests/adapters --update-golden`` and read the diff.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.io.manifests import read_manifests
from reconciler.model.codes import CODES
from reconciler.model.imports import Fate, Import, Taken
from reconciler.pipeline.importing.reading import Asked, import_files
from reconciler.pipeline.meshes import installed
from tests.adapters.given import Loader, dump

FOLDER = Path(__file__).parent / "import_cases"
CASES = sorted(path for path in FOLDER.glob("*/*") if path.is_dir())
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def imported(case: Path) -> Import:
    """What becomes of the objects of a case; those that are there to resolve names are left out."""
    asked = Asked(installed(), NOW, mesh=case.parent.name.replace("_", "-"))
    return import_files(read_manifests([case / "given.yaml", case.parent / "shop.yaml"]), asked)


def outcome(made: Import) -> dict[str, Any]:
    told = [f"{item.severity} {item.code} {item.message}" for item in made.findings]
    return {
        "documents": [body for text in made.files.values() for body in yaml.load_all(text, Loader)],
        "objects": {str(one.key): _worded(one) for one in made.taken if not _is_shop(one)},
        "findings": told,
    }


def _is_shop(one: Taken) -> bool:
    foreign = one.fate is Fate.SKIPPED and one.reason.startswith("not a kind of")
    return foreign and one.key.kind in ("Service", "Deployment")


def _worded(one: Taken) -> str:
    becomes = f" as {', '.join(str(key) for key in one.becomes)}" if one.becomes else ""
    reason = "".join(f": {text}" for text in (reason_of(one), *one.remarks) if text)
    return f"{one.fate}, {one.back}{becomes}{reason}" if one.fate is not Fate.SKIPPED else f"{one.fate}{reason}"


def reason_of(one: Taken) -> str:
    """Of a finding its code alone: the words are those of others."""
    code = one.reason.partition(":")[0]
    return code if code in CODES else one.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_case(case: Path, request: pytest.FixtureRequest) -> None:
    made, expected = outcome(imported(case)), case / "expected.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(dump(made))
    assert made == yaml.load(expected.read_text(), Loader)
