"""What CI systems say of a pull request, by the variables that their documentation names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.ci import Surroundings, surroundings
from reconciler.ports import SourceError

HEAD, BASE = "a" * 40, "b" * 40


def actions(tmp_path: Path, fork: str = "o/r", **more: str) -> dict[str, str]:
    """GitHub Actions at an event ``pull_request``: a merge is checked out."""
    event: dict[str, Any] = {
        "number": 7,
        "pull_request": {
            "number": 7,
            "head": {"sha": HEAD, "ref": "change", "repo": {"full_name": fork}},
            "base": {"sha": BASE, "ref": "main", "repo": {"full_name": "o/r"}},
        },
    }
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    return {
        "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r",
        "GITHUB_EVENT_PATH": str(path), "GITHUB_BASE_REF": "main", "GITHUB_SHA": "c" * 40, "GITHUB_RUN_ID": "9",
        "GITHUB_STEP_SUMMARY": "/tmp/summary", **more,
    }  # fmt: skip


def test_github_actions(tmp_path: Path) -> None:
    assert surroundings(actions(tmp_path)) == Surroundings(
        "github", "https://github.com/o/r", 7, HEAD, (BASE, "origin/main", "main"), False, "github-actions[bot]",
        "https://github.com/o/r/actions/runs/9", "/tmp/summary", True,
    )  # fmt: skip
    forked = surroundings(actions(tmp_path, fork="eve/r"))
    assert forked is not None
    assert forked.foreign


def test_a_push_is_no_pull_request(tmp_path: Path) -> None:
    found = actions(tmp_path)
    Path(found["GITHUB_EVENT_PATH"]).write_text(json.dumps({"after": HEAD, "ref": "refs/heads/main"}))
    made = surroundings(found)
    assert made is not None
    assert (made.number, made.foreign) == (0, False)


def test_a_deleted_fork_is_foreign(tmp_path: Path) -> None:
    found = actions(tmp_path)
    event = json.loads(Path(found["GITHUB_EVENT_PATH"]).read_text())
    event["pull_request"]["head"]["repo"] = None
    Path(found["GITHUB_EVENT_PATH"]).write_text(json.dumps(event))
    made = surroundings(found)
    assert made is not None
    assert made.foreign


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_an_event_that_is_none_is_said_or_says_nothing(tmp_path: Path, text: str) -> None:
    found = actions(tmp_path)
    Path(found["GITHUB_EVENT_PATH"]).write_text(text)
    if text == "{":
        with pytest.raises(SourceError, match="event"):
            surroundings(found)
    else:
        made = surroundings(found)
        assert made is not None
        assert made.number == 0


@pytest.mark.parametrize("own", ["GITEA_ACTIONS", "FORGEJO_ACTIONS"])
def test_gitea_actions_sets_githubs_variables_too(tmp_path: Path, own: str) -> None:
    made = surroundings(actions(tmp_path, **{own: "true", "GITHUB_SERVER_URL": "https://git.test"}))
    assert made is not None
    assert (made.forge, made.address, made.number) == ("gitea", "https://git.test/o/r", 7)
    assert made.account == own.lower().replace("_", "-"), "the user whose token jobs get there"


GITLAB = {
    "GITLAB_CI": "true", "CI_SERVER_URL": "https://gitlab.com", "CI_PROJECT_PATH": "group/sub/r",
    "CI_MERGE_REQUEST_PROJECT_PATH": "group/sub/r", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "group/sub/r",
    "CI_MERGE_REQUEST_IID": "12", "CI_COMMIT_SHA": HEAD, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA": BASE, "CI_JOB_URL": "https://gitlab.com/group/sub/r/-/jobs/1",
}  # fmt: skip


def test_gitlab_ci() -> None:
    assert surroundings(GITLAB) == Surroundings(
        "gitlab", "https://gitlab.com/group/sub/r", 12, HEAD, (BASE, "origin/main", "main"),
        job="https://gitlab.com/group/sub/r/-/jobs/1",
    )  # fmt: skip


def test_gitlab_ci_of_merged_results_and_of_forks() -> None:
    merged = {"CI_COMMIT_SHA": "c" * 40, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
              "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "d" * 40}  # fmt: skip
    made = surroundings(
        {**GITLAB, **merged, "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "eve/r", "CI_PROJECT_PATH": "eve/r"}
    )
    assert made is not None
    assert (made.head, made.bases[0], made.foreign) == (HEAD, "d" * 40, True)
    assert made.address == "https://gitlab.com/group/sub/r", "where the merge request is, not where the job runs"


def test_bitbucket_pipelines() -> None:
    made = surroundings(
        {
            "BITBUCKET_BUILD_NUMBER": "3", "BITBUCKET_PR_ID": "5", "BITBUCKET_COMMIT": HEAD[:12],
            "BITBUCKET_PR_DESTINATION_BRANCH": "main", "BITBUCKET_PR_DESTINATION_COMMIT": BASE[:12],
            "BITBUCKET_REPO_FULL_NAME": "team/r", "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/team/r",
        }
    )  # fmt: skip
    assert made == Surroundings(
        "bitbucket-cloud", "https://bitbucket.org/team/r", 5, HEAD[:12], (BASE[:12], "origin/main", "main"),
        job="https://bitbucket.org/team/r/pipelines/results/3",
    )  # fmt: skip


def test_no_ci_is_none() -> None:
    assert surroundings({"HOME": "/root"}) is None
