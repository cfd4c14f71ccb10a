"""The examples for CI systems: they are read as the systems read them, and what they run is run here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipeline.fleet import Fleet

ROOT = Path(__file__).parents[2]
CI = ("GITHUB_", "GITLAB_", "GITEA_", "FORGEJO_", "BITBUCKET_", "CI_", "RECONCILER_")


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


@pytest.fixture
def change(tmp_path: Path) -> Fleet:
    fleet = Fleet(tmp_path)
    fleet.apply()
    fleet.git("checkout", "-q", "-b", "change")
    fleet.policy("cart", "{to: [cart.shop], rule: {timeout: 2s}}")
    fleet.commit("mine")
    fleet.store.close()
    return fleet


def ran(fleet: Fleet, script: str, shell: str = "bash", **variables: str) -> subprocess.CompletedProcess[str]:
    """A script in the repository, with the command at hand and no CI system around it but what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CI)}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    around = {**kept, "PATH": path, "RECONCILER_STATE": str(fleet.folder / "state"), **variables}
    command = [shell, "-e", "-o", "pipefail", "-c", script] if shell == "bash" else [shell, "-e", "-c", script]
    return subprocess.run(command, cwd=fleet.repo, env=around, capture_output=True, text=True, timeout=240)


def github(fleet: Fleet) -> dict[str, str]:
    repo = {"repo": {"full_name": "o/r"}}
    head, base = fleet.git("rev-parse", "change"), fleet.git("rev-parse", "main")
    pull = {"number": 7, "head": {"sha": head, **repo}, "base": {"sha": base, "ref": "main", **repo}}
    event = fleet.folder / "event.json"
    event.write_text(json.dumps({"pull_request": pull}))
    return {
        "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://forge.test", "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": str(event), "GITHUB_OUTPUT": str(fleet.folder / "output"),
    }  # fmt: skip


@pytest.mark.parametrize(("fail_on", "code"), [("1 3 4 5 6", 0), ("1 2 3 4 5 6", 2)])
def test_the_action_reports_and_fails_as_it_is_told(change: Fleet, fail_on: str, code: int) -> None:
    action = read("action.yml")
    step = action["runs"]["steps"][-1]
    asked = set(action["inputs"]) - {"token"}
    assert {text.split(".")[1].split(" ")[0] for text in step["env"].values()} == {*asked, "token"}
    given = {name: action["inputs"][key]["default"] for name, key in (
        ("REPO", "repo"), ("FACTS", "facts"), ("LIVE", "live"), ("SCOPE", "scope"), ("ARTIFACT", "artifact"),
    )}  # fmt: skip
    more = {"SARIF": "plan.sarif", "MORE": "--dry-run\n", "FAIL_ON": fail_on}
    done = ran(change, step["run"], **given, **more, **github(change))
    assert done.returncode == code, done.stderr
    assert "1 to update" in done.stdout
    assert (change.folder / "output").read_text() == "exit-code=2\n"
    assert (change.repo / "mesh-plan.html").read_text().startswith("<!doctype html>")
    assert json.loads((change.repo / "plan.sarif").read_text())["version"] == "2.1.0"
    assert "${{" not in step["run"], "what a pull request writes is never part of a script"


def scripts() -> dict[str, tuple[str, str, dict[str, str]]]:
    """Per system the lines that it runs, its shell, and the variables that it sets."""
    gitea = read("examples/ci/gitea.yaml")["jobs"]["report"]["steps"][-1]["run"]
    gitlab = "\n".join(read("examples/ci/gitlab.yaml")["mesh plan"]["script"])
    step = read("examples/ci/bitbucket.yaml")["pipelines"]["pull-requests"]["**"][0]["step"]
    return {
        "gitlab": (gitlab, "bash", {"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "7",
                                    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}),
        "bitbucket": ("\n".join(step["script"]), "bash", {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_ID": "7",
                                                          "BITBUCKET_PR_DESTINATION_BRANCH": "main"}),
        "gitea": (gitea, "bash", {"GITEA_ACTIONS": "true"}),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["gitlab", "bitbucket", "gitea"])
def test_what_an_example_runs_makes_the_report(change: Fleet, name: str) -> None:
    script, shell, variables = scripts()[name]
    run = script.replace("reconciler report pr", "reconciler report pr --dry-run").replace("--facts facts.json", "")
    done = ran(change, run, shell, **github(change) if name == "gitea" else {}, **variables)
    assert done.returncode == (2 if name == "gitlab" else 0), done.stderr
    assert "1 to update" in done.stdout
    assert (change.repo / "mesh-plan.html").exists()


def test_gitlab_lets_changes_pass() -> None:
    assert read("examples/ci/gitlab.yaml")["mesh plan"]["allow_failure"] == {"exit_codes": 2}


def test_every_clone_is_whole() -> None:
    for path in ("examples/ci/github.yaml", "examples/ci/gitea.yaml"):
        checkout = read(path)["jobs"]["report"]["steps"][0]
        assert checkout["with"] == {"fetch-depth": 0}
    assert read("examples/ci/gitlab.yaml")["mesh plan"]["variables"]["GIT_DEPTH"] == "0"
    assert read("examples/ci/bitbucket.yaml")["clone"] == {"depth": "full"}


def test_the_github_example_gives_what_the_action_takes() -> None:
    step = read("examples/ci/github.yaml")["jobs"]["report"]["steps"][1]
    assert set(step["with"]) <= set(read("action.yml")["inputs"])


def test_the_hook_validates(change: Fleet) -> None:
    (hook,) = read(".pre-commit-hooks.yaml")
    assert re.search(hook["files"], "policies/shop/reviews.yaml")
    assert re.search(hook["files"], "fleet/desired-state/mesh.yml")
    assert not re.search(hook["files"], "docs/policies.md")
    assert ran(change, hook["entry"]).returncode == 0
    change.file("policies/bad.yaml", "a: [")
    done = ran(change, hook["entry"])
    assert done.returncode == 1
    assert "policies/bad.yaml:2" in done.stderr
