"""What each of the eight policies becomes on each mesh: ``expected/<mesh>.yaml``.

Renew with ``pytest tests/eight --update-golden`` and read the diff.
"""

from __future__ import annotations

import pytest
import yaml

from tests.cases.whole import unsound
from tests.eight.eight import HERE, MESHES, outcome, render


@pytest.mark.parametrize("mesh", MESHES)
def test_each_policy_becomes_what_is_expected(mesh: str, request: pytest.FixtureRequest) -> None:
    expected = HERE / f"expected/{mesh}.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(render(mesh))
    assert outcome(mesh) == yaml.load(expected.read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize("mesh", MESHES)
def test_every_object_is_what_its_definition_takes(mesh: str) -> None:
    expected = yaml.load((HERE / f"expected/{mesh}.yaml").read_text(), yaml.CSafeLoader)
    bodies = [body for one in expected.values() for several in one["objects"].values() for body in several]
    assert bodies
    assert [(body["kind"], wrong) for body in bodies if "spec" in body and (wrong := unsound(body))] == []
