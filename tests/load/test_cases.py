"""Every folder below cases/: what is accepted reads as expected.json says, what is rejected is told as expected.txt."""

import json
from pathlib import Path

import pytest

from reconciler.load import expand, load
from reconciler.model.commits import SourceTree
from reconciler.model.findings import has_errors
from tests.load.trees import CASES, TYPES, folder, lines, loaded, told, tree

ACCEPTED = sorted((CASES / "accepted").iterdir())
REJECTED = sorted((CASES / "rejected").iterdir())


def _compare(path: Path, text: str, update: bool) -> None:
    if update:
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("case", REJECTED, ids=lambda case: case.name)
def test_rejected(case: Path, request: pytest.FixtureRequest) -> None:
    _, findings = load(folder(case), TYPES)
    _compare(case / "expected.txt", lines(findings), request.config.getoption("--update-golden"))
    assert findings


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_accepted(case: Path, request: pytest.FixtureRequest) -> None:
    desired, findings = loaded(folder(case))
    assert not has_errors(findings), lines(findings)
    text = json.dumps(told(desired), indent=1, ensure_ascii=False) + "\n"
    _compare(case / "expected.json", text, request.config.getoption("--update-golden"))


@pytest.mark.parametrize("case", [*ACCEPTED, CASES.parents[2]], ids=lambda case: case.name)
def test_the_long_form_means_the_same(case: Path) -> None:
    source = folder(case)
    beside = ("_vars/", "inventory.", "manifests/")
    kept = {path: data for path, data in source.files.items() if any(part in path for part in beside)}
    expanded = tree({**kept, "desired-state/all.yaml": expand(source)})
    assert told(loaded(expanded)[0]) == told(loaded(source)[0])
    assert _bodies(expand(expanded)) == _bodies(expand(source))


def _bodies(text: str) -> list[str]:
    return sorted(page.split("\n", 1)[1].strip() for page in text.split("---\n") if page.strip())


@pytest.mark.parametrize("case", [*REJECTED, *ACCEPTED], ids=lambda case: case.name)
def test_the_order_of_files_does_not_matter(case: Path) -> None:
    source = folder(case)
    turned = SourceTree(source.commit, dict(reversed(source.files.items())))
    assert load(turned, TYPES) == load(source, TYPES)
