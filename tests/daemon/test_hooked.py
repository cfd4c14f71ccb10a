"""The daemon as a process with a real Git server, a forge held against its published description, and webhooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.estate import Estate
from tests.bench.ways import directories
from tests.daemon.hooked import Forged

pytestmark = pytest.mark.slow


def changed(place: Estate, branch: str, timeout: str) -> None:
    place.git("checkout", "-q", "-B", branch, "main")
    place.write("svc-00000", "TrafficPolicy", f"{{to: [svc-00000.bench], rule: {{timeout: {timeout}}}}}", "policies")
    place.commit(f"to {timeout}")


def test_from_a_push_to_the_report_and_from_the_merge_to_the_word_on_it(tmp_path: Path) -> None:
    place = directories(tmp_path, 2, 3)
    forged = Forged(place)
    with forged.running() as process:
        changed(place, "slower", "9s")
        number = forged.open_pull("slower")
        forged.until(lambda: bool(forged.comments(number)), process)
        (report,) = forged.comments(number)
        assert "2 to update" in report
        assert "+ spec.http[0].timeout: 9s" in report
        head = place.git("rev-parse", "HEAD")
        forged.until(lambda: len(forged.statuses(head)) == 2, process)
        assert forged.statuses(head) == {"reconciler/plan": "success", "reconciler/drift": "success"}

        changed(place, "slower", "8s")
        pushed = forged.push("slower")
        forged.host.state.pulls[number].head = pushed
        forged.tell("pull_request", forged.delivery("pull_request", "synchronize", number=number, head=pushed))
        forged.until(lambda: "timeout: 8s" in forged.comments(number)[0], process)
        assert len(forged.comments(number)) == 1

        place.git("checkout", "-q", "main")
        place.git("merge", "-q", "--ff-only", "slower")
        merged = forged.push("main")
        pull = forged.host.state.pulls[number]
        pull.state, pull.merge = "merged", merged
        assert forged.tell("push", forged.delivery("push", head=merged, ref="refs/heads/main")) == 202
        forged.until(lambda: len(forged.comments(number)) == 2, process)
        assert "Applied on 2 targets" in forged.comments(number)[1]
        forged.until(lambda: forged.statuses(merged).get("reconciler/apply") == "success", process)
        assert not forged.lines("forge"), forged.log.read_text()


def test_hooks_want_a_secret_and_a_forge(tmp_path: Path) -> None:
    place = directories(tmp_path, 1, 1)
    ours = ["-m", "reconciler", "--state", str(place.state), "run", "--repo", str(place.repo), "--hooks", "127.0.0.1:0"]
    for more, said in (
        ([], "--hooks needs --forge"),
        (["--forge", "https://github.com/octo/shop"], "--hooks needs --hook-secret-file"),
        (["--forge", "https://github.com/octo/shop", "--hook-secret-file", "/nowhere"], "No such file"),
    ):
        line = [sys.executable, *ours, *more]
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 1
        assert said in done.stderr
