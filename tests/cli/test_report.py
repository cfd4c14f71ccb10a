"""Reports from the command line, as a CI system calls it: what is posted, printed and kept, and the exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli.main import run
from reconciler.model.forges import PullRequest
from reconciler.ports.forge import ForgeForbidden, ForgeUnreachable
from reconciler.report.review import differs
from tests.pipeline.fleet import Fleet
from tests.pipeline.one_forge import OneForge
from tests.report.test_sarif import SCHEMA

CI = ("GITHUB_", "GITLAB_", "GITEA_", "FORGEJO_", "BITBUCKET_", "CI_")


@dataclass
class Said:
    code: int
    out: str
    err: str


@dataclass
class Hosted(OneForge):
    """A forge that has one pull request."""

    head: str = ""
    base: str = ""
    foreign: bool = False

    async def pull_request(self, number: int) -> PullRequest:
        self._may("pull_request")
        return PullRequest(number, "Mine", "eve", self.head, self.base, "change", "main", "https://forge.test/o/r/7",
                           foreign=self.foreign)  # fmt: skip


@dataclass
class Bench:
    fleet: Fleet
    forge: Hosted
    command: Callable[..., Said]
    event: Path

    def say(self, **changes: Any) -> None:
        """The event of GitHub Actions."""
        repo = {"repo": {"full_name": "o/r"}}
        head = {"sha": self.forge.head, "repo": {"full_name": changes.pop("fork", "o/r")}}
        pull = {"number": 7, "head": head, "base": {"sha": self.forge.base, "ref": "main", **repo}}
        self.event.write_text(json.dumps({"pull_request": pull, **changes}))


@pytest.fixture
def bench(fleet: Fleet, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    """A repository with a pull request, in GitHub Actions."""
    import os

    fleet.apply()
    base = fleet.git("rev-parse", "HEAD")
    fleet.git("checkout", "-q", "-b", "change")
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    head = fleet.commit("mine")
    fleet.store.close()
    for name in [name for name in os.environ if name.startswith(CI)]:
        monkeypatch.delenv(name)
    event = tmp_path / "event.json"
    for name, value in {
        "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://forge.test", "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": str(event), "GITHUB_BASE_REF": "main", "GITHUB_TOKEN": "t0ken",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "RECONCILER_STATE": str(fleet.folder / "state"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(fleet.repo)
    forge = Hosted(head=head, base=base)
    monkeypatch.setattr("reconciler.cli.report.open_forge", lambda _options, _found: forge)

    def command(*arguments: str) -> Said:
        capfd.readouterr()
        code = run(["report", "pr", *arguments])
        captured = capfd.readouterr()
        return Said(code, captured.out, captured.err)

    made = Bench(fleet, forge, command, event)
    made.say()
    return made


def test_in_ci_it_is_posted_once_and_then_left_alone(bench: Bench, tmp_path: Path) -> None:
    said = bench.command()
    assert said.code == 2, said
    assert "created" in said.out
    (comment,) = bench.forge.said
    assert "1 to update" in comment.body
    assert {context for _, status in bench.forge.statuses for context in [status.context]} == {"reconciler/plan"}
    assert bench.forge.statuses[0][0] == bench.forge.head
    assert "1 to update" in (tmp_path / "summary.md").read_text()
    assert "unchanged" in bench.command().out
    assert bench.forge.writes == 1


def test_with_clusters_drift_is_told_and_marked(bench: Bench) -> None:
    bench.fleet.edit("VirtualService", "reviews", "timeout: 3s", "timeout: 30s")
    assert bench.command("--live").code == 2
    assert "1 drifted" in bench.forge.said[0].body
    states = {status.context: str(status.state) for _, status in bench.forge.statuses}
    assert states == {"reconciler/plan": "success", "reconciler/drift": "failure"}


@pytest.mark.parametrize("output", ["markdown", "html", "json"])
def test_it_is_printed_instead(bench: Bench, output: str) -> None:
    said = bench.command("-o", output)
    assert said.code == 2
    assert bench.forge.writes == 0
    assert "VirtualService" in said.out
    if output == "json":
        assert json.loads(said.out)["exitCode"] == 2
    if output == "markdown":
        assert not differs(bench.command("--dry-run").out, said.out)


def test_files_are_kept(bench: Bench, tmp_path: Path) -> None:
    for name in ("all.md", "all.html", "all.json"):
        bench.command("--artifact", str(tmp_path / name), "--sarif", str(tmp_path / "sarif.json"))
    assert (tmp_path / "all.md").read_text().startswith("<!--")
    assert (tmp_path / "all.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "all.json").read_text())["exitCode"] == 2
    assert json.loads((tmp_path / "sarif.json").read_text())["version"] == "2.1.0"


def test_findings_are_annotated_at_their_lines(bench: Bench) -> None:
    bench.fleet.file("policies/bad.yaml", "a: [")
    bench.forge.head = bench.fleet.commit("bad")
    bench.say()
    said = bench.command()
    assert said.code == 1
    assert "::error file=policies/bad.yaml,line=2" in said.out
    assert "::error" not in bench.command("--no-annotations").out


def test_a_forge_that_fails_has_a_code_of_its_own_and_the_plans_is_told(bench: Bench) -> None:
    for method in ("pull_request", "comments", "create_comment", "set_status"):
        bench.forge.refuse = {method: ForgeUnreachable("no answer")}
        bench.forge.said.clear()
        said = bench.command()
        assert said.code == 6, method
        assert "Not posted: no answer" in said.err
        assert "exit code 2" in said.err


def test_a_token_of_a_fork_that_may_not_write_is_no_failure(bench: Bench, tmp_path: Path) -> None:
    bench.say(fork="eve/r")
    bench.forge.refuse = dict.fromkeys(("create_comment", "set_status"), ForgeForbidden("may not", 403))
    said = bench.command()
    assert said.code == 2
    assert "another repository" in said.err
    assert "1 to update" in (tmp_path / "summary.md").read_text()


def test_an_older_run_does_not_write_over_a_newer_one(bench: Bench) -> None:
    bench.forge.head = "c" * 40
    said = bench.command()
    assert "newer head" in said.err
    assert (said.code, bench.forge.writes, bench.forge.statuses) == (2, 0, [])


def test_outside_ci_what_is_missing_is_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    said = bench.command()
    assert said.code == 1
    assert "--number" in said.err
    assert bench.command("--number", "7").code == 2
    assert bench.command("--base", "main", "--head", "worktree", "--dry-run").code == 2
    assert "--base" in bench.command("--dry-run").err


def test_plan_and_validate_tell_findings_at_their_lines(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.fleet.policy("bad", "{to: [reviews.shop], rule: {timout: 3s}}")
    bench.fleet.remove("policies/cart.yaml")
    for command, code in (("validate", 1), ("plan", 1)):
        capfd.readouterr()
        assert run([command, "-o", "sarif"]) == code
        log = json.loads(capfd.readouterr().out)
        jsonschema.Draft4Validator(SCHEMA).validate(log)
        (error,) = [result for result in log["runs"][0]["results"] if result["level"] == "error"]
        place = error["locations"][0]["physicalLocation"]
        assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("policies/bad.yaml", 4)
