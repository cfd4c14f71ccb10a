"""Which kinds an adapter makes and which it only lets through, since a role grants writing by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.adapters import registry
from reconciler.adapters.base import Adapter
from tests.adapters import given
from tests.envoy.declared import MESH

#: much of what proxies can be asked at once
RICH = given.read(Path(__file__).parents[1] / "envoy" / "rich.yaml", MESH)
CASES = Path(__file__).parent / "cases"
WHOLE = Path(__file__).parents[1] / "cases"


def made(adapter: Adapter, files: Iterable[Path]) -> set[tuple[str, str]]:
    """Group and kind of all that the cases of an adapter expect, and those files."""
    if adapter.default_mesh.declared:
        return {(one.key.group, one.key.kind) for made in adapter.build(RICH) for one in made.objects}
    own = (CASES / adapter.name).glob("*/expected.yaml")
    bodies = [body for file in own for body in yaml.load(file.read_text(), yaml.CSafeLoader).get("objects") or ()]
    for file in files:
        bodies += [
            body for several in yaml.load(file.read_text(), yaml.CSafeLoader)["objects"].values() for body in several
        ]
    known = {(kind.kind.group, kind.kind.kind) for kind in adapter.kinds}
    return {(body["apiVersion"].rpartition("/")[0], body["kind"]) for body in bodies} & known


def _of_meshes(mesh_type: str) -> Iterator[Path]:
    """The expectations of cases with a mesh of a type; without a Mesh document it is of the usual one."""
    for file in WHOLE.glob("*/given.yaml"):
        given_ = [
            body for body in yaml.load_all(file.read_text(), yaml.CSafeLoader) if body and body.get("kind") == "Mesh"
        ]
        if mesh_type in [(body.get("spec") or {}).get("type") for body in given_] or (
            not given_ and mesh_type == "istio"
        ):
            yield file.parent / "expected.yaml"


@pytest.mark.parametrize("adapter", registry.load_all().values(), ids=lambda adapter: adapter.name)
def test_raw_kinds_are_those_that_no_case_makes(adapter: Adapter) -> None:
    raw = {(kind.kind.group, kind.kind.kind) for kind in adapter.raw_kinds}
    everything = {(kind.kind.group, kind.kind.kind) for kind in adapter.kinds}
    assert made(adapter, _of_meshes(adapter.name)) & raw == set()
    assert made(adapter, WHOLE.glob("*/expected.yaml")) >= everything - raw
