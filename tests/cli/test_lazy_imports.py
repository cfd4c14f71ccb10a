"""A command imports what it needs and no more: help and checks of files come at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("kubernetes", "aiohttp", "sqlalchemy", "deepdiff", "apscheduler", "prometheus_client", "structlog")
PROBE = """
import json, sys
from reconciler.cli.main import run
code = run(json.loads(sys.argv[1]))
print()
print(json.dumps({"code": code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def imported(arguments: list[str]) -> tuple[int, set[str]]:
    argv = [sys.executable, "-c", PROBE, json.dumps(arguments)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=True)
    found = json.loads(ran.stdout.splitlines()[-1])
    return found["code"], set(found["modules"])


def repository(folder: Path) -> Path:
    (folder / "desired-state").mkdir()
    head = "apiVersion: reconciler.dev/v1alpha1\nkind: Reconciler\nmetadata: {name: main}\nspec: {}\n"
    (folder / "desired-state/reconciler.yaml").write_text(head)
    return folder


@pytest.mark.parametrize("arguments", [["--help"], ["apply", "--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code, modules = imported(arguments)
    assert code == 0
    assert not modules & {*HEAVY, "yaml", "jsonschema_rs", "git"}


def test_validate_imports_nothing_of_clusters_and_stores(tmp_path: Path) -> None:
    code, modules = imported(["validate", "--repo", str(repository(tmp_path))])
    assert code == 0
    assert "yaml" in modules
    assert not modules & set(HEAVY)
