"""``report drift`` from the command line: an entry that is made, kept, closed; and what is said when it cannot be."""

from __future__ import annotations

import pytest

from reconciler.cli.main import run
from reconciler.ports.forge import ForgeLacks
from tests.pipeline.fleet import Fleet
from tests.pipeline.full_forge import FullForge


@pytest.fixture
def forge(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> FullForge:
    fleet.apply()
    made = FullForge()
    monkeypatch.setattr("reconciler.cli.drift_report.open_forge", lambda _options, _found: made)
    monkeypatch.setenv("RECONCILER_STATE", str(fleet.folder / "state"))
    monkeypatch.chdir(fleet.repo)
    return made


def test_it_is_made_kept_and_closed(fleet: Fleet, forge: FullForge, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "drift"]) == 0
    assert "nothing has drifted" in capsys.readouterr().out
    fleet.edit("VirtualService", "reviews", "3s", "7s")
    assert run(["report", "drift"]) == 2
    assert capsys.readouterr().out.startswith("created: ")
    assert run(["report", "drift"]) == 2
    assert capsys.readouterr().out.startswith("unchanged: ")
    fleet.apply()
    assert run(["report", "drift"]) == 0
    assert capsys.readouterr().out.startswith("closed: ")
    assert [entry.open for entry in forge.tracker] == [False]


def test_a_forge_without_a_tracker(fleet: Fleet, forge: FullForge, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.edit("VirtualService", "reviews", "3s", "7s")
    forge.refuse = {"issues": ForgeLacks("it has no tracker")}
    assert run(["report", "drift"]) == 6
    assert "looked at (exit code 2) and not kept: it has no tracker" in capsys.readouterr().err
    assert run(["report", "drift", "--dry-run"]) == 2
    out = capsys.readouterr().out
    assert out.startswith("# Mesh drift: 1 object on 1 target")
    assert "- spec.http[0].timeout: 7s" in out
