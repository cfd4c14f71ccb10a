"""What docs/adding-a-mesh.md says is done: its files written, its commands run, its results compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adding-a-mesh.md").read_text()
FILE = re.compile(r"```\w+\n# (\S+)\n(.*?)```", re.DOTALL)
SERVICES = ("reviews", "ratings")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as pip would install it, and the repository."""
    folder = tmp_path_factory.mktemp("adding")
    for name, text in FILE.findall(PAGE):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    points = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]["reconciler.adapters"]
    metadata = folder / "pocket-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pocket\nVersion: 1.0\n")
    lines = "".join(f"{name} = {target}\n" for name, target in points.items())
    (metadata / "entry_points.txt").write_text(f"[reconciler.adapters]\n{lines}")
    (folder / "facts").mkdir()
    bodies = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
         "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80}]}}
        for name in SERVICES
    ]  # fmt: skip
    control = {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "pocket-control", "namespace": "pocket-system"},
        "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "c", "image": "pocket:1.4"}]}}},
    }  # fmt: skip
    (folder / "facts/all.yaml").write_text(yaml.safe_dump_all([*bodies, control]))
    for line in (["init", "-q", "-b", "main"], ["add", "desired-state", "policies"], ["commit", "-qm", "all"]):
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", *line], cwd=folder, check=True)
    return folder


def run(home: Path, *line: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{home}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [sys.executable, "-m", *line], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


def test_the_policy_becomes_the_object_of_the_page(home: Path) -> None:
    done = run(home, "reconciler", "--state", str(home / "state"), "apply", "--repo", str(home))
    told = done.stdout + done.stderr
    expected = re.search(r"```yml\n# Way shop/reviews\n(.*?)```", PAGE, re.DOTALL)
    assert expected is not None
    (path,) = (home / "live").rglob("*.yaml")
    body = yaml.load(path.read_text(), yaml.CSafeLoader)
    assert (body["kind"], body["apiVersion"]) == ("Way", "pocket.example.org/v1"), told
    assert body["spec"] == yaml.load(expected[1], yaml.CSafeLoader), told
    warning = PAGE.split("```\nwarning ")[1].split("\n")[0]
    assert warning in told


def test_what_it_can_do_is_in_the_table(home: Path) -> None:
    told = run(home, "reconciler", "capabilities", "--mesh", "pocket").stdout
    assert re.search(r"traffic\.timeout\.request +yes", told)
    assert re.search(r"^access +no", told, re.MULTILINE)


def test_it_passes_what_every_adapter_has_to_pass(home: Path) -> None:
    done = run(home, "pytest", "-q", "-p", "no:cacheprovider", "tests/adapters/test_conformance.py", "-k", "pocket")
    assert done.returncode == 0, done.stdout[-5000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 100
