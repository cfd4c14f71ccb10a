"""Every capability that a mesh claims is asked of it by some case, so that a claim without an example is found."""

from __future__ import annotations

import re

import pytest
import yaml

from reconciler.adapters.base import Level
from reconciler.pipeline.meshes import installed
from tests.behaviour.cases import all_cases
from tests.cases.whole import CASES

#: what holds without being asked by a policy, or is said of a whole document and not of a capability
UNASKED = (
    "access.native",
    "extension.objects",
    "ingress.routes",
    "ingress.rule",
    "mesh.gateways",
    "mesh.version",
    "traffic.from.clusters",
    "traffic.from.meshes",
    "traffic.native",
    "traffic.priority",
    "virtualMesh.defaults",
)
_VERDICT = re.compile(r"\S+ \S+ .*?: (?P<capability>[a-zA-Z0-9.]+) \w+ \w+( \(|$)")


def asked() -> set[str]:
    """Every path of a verdict, and all paths above it."""
    paths: set[str] = set()
    for file in CASES.glob("*/expected.yaml"):
        for verdict in yaml.load(file.read_text(), yaml.CSafeLoader)["verdicts"]:
            found = _VERDICT.match(verdict.replace("\n", " "))
            assert found is not None, verdict
            path = found["capability"]
            while path:
                paths.add(path)
                path = path.rpartition(".")[0]
    return paths


def behaved() -> set[str]:
    """Every path that a case of tests/behaviour is about, and all paths above it."""
    paths: set[str] = set()
    for case in all_cases():
        for path in case.capabilities:
            while path:
                paths.add(path)
                path = path.rpartition(".")[0]
    return paths


@pytest.mark.parametrize("name", sorted(installed()))
def test_every_claim_has_a_case(name: str) -> None:
    """Of a mesh that runs here the cases are those that run on it."""
    adapter = installed()[name]
    known = behaved() if adapter.default_mesh.declared else asked()
    claims = {
        path
        for profile in adapter.profiles
        for path, claim in adapter.capabilities(profile).items()
        if claim.level is not Level.NONE
    }
    assert sorted(path for path in claims - known if not path.startswith(UNASKED)) == []
