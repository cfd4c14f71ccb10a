"""Every sample comes back meaning the same: manifests written after those that the meshes publish, and any
others in the folder that MESH_SAMPLES names (below it one folder for each mesh).

``fates.yaml`` tells what becomes of each object; renew it with ``pytest tests/adapters --update-golden``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from reconciler.adapters.importing import Meaning, Scene, key_of
from reconciler.compile import compile_state
from reconciler.io.facts import cluster_facts
from reconciler.io.manifests import read_manifests
from reconciler.load import load
from reconciler.model.canonical import plain
from reconciler.model.facts import Facts
from reconciler.model.findings import Severity
from reconciler.model.imports import Fate, Import
from reconciler.pipeline.importing.objects import cleaned, unlisted, with_namespace
from reconciler.pipeline.importing.reading import Asked, import_files
from reconciler.pipeline.importing.scaffold import scaffold
from reconciler.pipeline.meshes import installed
from tests.adapters.given import dump
from tests.adapters.test_import_cases import NOW, reason_of

FOLDER = Path(__file__).parent / "import_samples"
EXAMPLES = Path(__file__).parents[3] / "shared/reference/native-examples"
#: for each mesh of the examples that lie beside the repository, where they are, the files that hold its objects
BESIDE = {
    "appmesh": ("appmesh.yaml",),
    "consul": ("consul.yaml",),
    "istio": ("istio.yaml", "istio-ambient.yaml"),
    "gateway_api": ("gamma.yaml",),
    "cilium": ("cilium.yaml",),
    "kuma": ("kuma.yaml",),
    "smi": ("nginx-service-mesh.yaml", "osm.yaml", "traefik-mesh.yaml"),
    "linkerd": ("linkerd.yaml",),
}


def others() -> list[tuple[str, Path]]:
    """Manifests that are no part of the project, with their mesh."""
    folder = os.environ.get("MESH_SAMPLES")
    given = (
        [(path.relative_to(folder).parts[0], path) for path in sorted(Path(folder).rglob("*.yaml"))] if folder else []
    )
    return [*given, *((mesh, EXAMPLES / name) for mesh, names in BESIDE.items() for name in names)]


SAMPLES = [(path.parent.name, path) for path in sorted(FOLDER.glob("*/*.yaml")) if path.name != "shop.yaml"]


def bodies(mesh: str, path: Path) -> list[dict[str, object]]:
    adapter = installed()[mesh.replace("_", "-")]
    given = unlisted(read_manifests([path, FOLDER / mesh / "shop.yaml"]))
    return [dict(with_namespace(body, adapter, "default")) for body in given]


def imported(mesh: str, path: Path) -> Import:
    return import_files(bodies(mesh, path), Asked(installed(), NOW, mesh=mesh.replace("_", "-")))


def meant(mesh: str, made: Import, path: Path) -> tuple[dict[str, object], dict[str, object]]:
    """What the objects mean, and what those mean that their documents are compiled to; without a look at the proof."""
    tree, target = scaffold(mesh.replace("_", "-"), {"inCluster": {}})
    files = {**tree.files, **{name: text.encode() for name, text in made.files.items()}}
    desired, findings = load(type(tree)(tree.commit, files), tuple(installed()))
    assert desired is not None
    assert not [finding for finding in findings if finding.severity is Severity.ERROR]
    adapter, given = installed()[desired.mesh(target).type], bodies(mesh, path)
    cluster = replace(cluster_facts(target.cluster, given), meshes=adapter.detect(given))
    compiled = compile_state(desired, Facts({target.cluster: cluster}), installed(), NOW)
    assert not [finding for finding in compiled.findings if finding.severity is Severity.ERROR]
    scene = Scene(cluster, next(iter(cluster.meshes), adapter.default_mesh))
    mine = [body for body in given if (kind := adapter.kind(key_of(body).kind_id)) is not None and kind.exclusive]
    assert {key_of(body) for body in mine} == {one.key for one in made.taken if one.fate is not Fate.SKIPPED}
    before = adapter.meanings([cleaned(body) for body in mine], scene)
    after = adapter.meanings([native.body for native in compiled.objects[target]], scene)
    return _contents(before), _contents(after)


def _contents(found: object) -> dict[str, object]:
    assert isinstance(found, dict)
    return {about: plain(one.content) for about, one in found.items() if isinstance(one, Meaning)}


@pytest.mark.parametrize(("mesh", "path"), SAMPLES, ids=lambda value: getattr(value, "stem", value))
def test_a_sample_comes_back_meaning_the_same(mesh: str, path: Path) -> None:
    made = imported(mesh, path)
    before, after = meant(mesh, made, path)
    assert after == before
    assert before


@pytest.mark.parametrize(("mesh", "path"), others(), ids=lambda value: getattr(value, "stem", value))
def test_so_do_those_that_lie_elsewhere(mesh: str, path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path} is not here; MESH_SAMPLES may name a folder with manifests")
    made = imported(mesh, path)
    before, after = meant(mesh, made, path)
    assert after == before


def test_what_becomes_of_each_object(request: pytest.FixtureRequest) -> None:
    found: dict[str, dict[str, str]] = {}
    for mesh, path in SAMPLES:
        taken = [one for one in imported(mesh, path).taken if one.fate is not Fate.SKIPPED]
        found[f"{mesh}/{path.stem}"] = {
            str(one.key): f"{one.fate}, {one.back}" + (f": {reason_of(one)}" if one.reason else "") for one in taken
        }
    expected = FOLDER / "fates.yaml"
    if request.config.getoption("--update-golden"):
        expected.write_text(dump(found))
    assert found == yaml.load(expected.read_text(), yaml.CSafeLoader)
