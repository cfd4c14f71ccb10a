"""What a CI system tells of the pull request that it runs for: its variables, and the file of its event.

Sources: GitHub Docs, "Variables reference" and "Webhook events and payloads"; Gitea and Forgejo Docs, Actions (they set
the same variables beside their own); GitLab Docs, "Predefined CI/CD variables reference"; Bitbucket Support, "Variables
and secrets".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.ports import SourceError


@dataclass(frozen=True, slots=True)
class Surroundings:
    """``forge`` is its kind, ``address`` the repository's page. ``head``: the newest commit of the pull request, which
    need not be what is checked out. ``bases``: names of the target branch or of commits of it, the surest first.
    ``account``: whose token it is, where that is known. ``job``: the page of this run. ``summary``: a file whose
    Markdown the system shows. ``annotates``: it reads workflow commands."""

    forge: str
    address: str
    number: int
    head: str = ""
    bases: tuple[str, ...] = ()
    foreign: bool = False
    account: str = ""
    job: str = ""
    summary: str = ""
    annotates: bool = False


def surroundings(environment: Mapping[str, str]) -> Surroundings | None:
    """None where no CI system is known; ``number`` is 0 where it runs for no pull request. SourceError when what it
    says cannot be read."""
    if environment.get("GITLAB_CI"):
        return _merge_request(environment)
    if environment.get("BITBUCKET_BUILD_NUMBER"):
        return _pipelines(environment)
    if environment.get("GITEA_ACTIONS") or environment.get("FORGEJO_ACTIONS"):
        own = "forgejo" if environment.get("FORGEJO_ACTIONS") else "gitea"
        return _actions(environment, "gitea", f"{own}-actions")
    if environment.get("GITHUB_ACTIONS"):
        return _actions(environment, "github", "github-actions[bot]")
    return None


def _actions(found: Mapping[str, str], forge: str, account: str) -> Surroundings:
    server = found.get("GITHUB_SERVER_URL", "").rstrip("/")
    repository = found.get("GITHUB_REPOSITORY", "")
    event = _event(found.get("GITHUB_EVENT_PATH", ""))
    pull = _mapping(event.get("pull_request"))
    head, base = _mapping(pull.get("head")), _mapping(pull.get("base"))
    branch = found.get("GITHUB_BASE_REF") or str(base.get("ref") or "")
    ours, theirs = _mapping(base.get("repo")).get("full_name"), _mapping(head.get("repo")).get("full_name")
    run = found.get("GITHUB_RUN_ID", "")
    return Surroundings(
        forge=forge,
        address=f"{server}/{repository}",
        number=int(pull.get("number") or event.get("number") or 0) if pull else 0,
        head=str(head.get("sha") or ""),
        bases=_names(str(base.get("sha") or ""), branch),
        foreign=bool(pull) and ours != theirs,
        account=account,
        job=f"{server}/{repository}/actions/runs/{run}" if run else "",
        summary=found.get("GITHUB_STEP_SUMMARY", ""),
        annotates=True,
    )


def _event(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        return _mapping(json.loads(Path(path).read_text()))
    except (OSError, ValueError) as problem:
        raise SourceError(f"the event of the CI system cannot be read: {path}: {problem}") from problem


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _merge_request(found: Mapping[str, str]) -> Surroundings:
    branch = found.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "")
    merged_head = found.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")  # in pipelines of merged results only
    base = found.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA") or found.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
    source = found.get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "")
    project = found.get("CI_MERGE_REQUEST_PROJECT_PATH") or found.get("CI_PROJECT_PATH", "")
    return Surroundings(
        forge="gitlab",
        address=f"{found.get('CI_SERVER_URL', '').rstrip('/')}/{project}",
        number=_number(found.get("CI_MERGE_REQUEST_IID", "")),
        head=merged_head or found.get("CI_COMMIT_SHA", ""),
        bases=_names(base, branch),
        foreign=bool(source) and source != project,
        job=found.get("CI_JOB_URL", ""),
    )


def _pipelines(found: Mapping[str, str]) -> Surroundings:
    """Here the target branch is merged into what is checked out before the steps run."""
    branch = found.get("BITBUCKET_PR_DESTINATION_BRANCH", "")
    address = (found.get("BITBUCKET_GIT_HTTP_ORIGIN") or "").replace("http://bitbucket.org", "https://bitbucket.org")
    name = found.get("BITBUCKET_REPO_FULL_NAME", "")
    run = found.get("BITBUCKET_BUILD_NUMBER", "")
    page = address.removesuffix(".git") or f"https://bitbucket.org/{name}"
    return Surroundings(
        forge="bitbucket-cloud",
        address=page,
        number=_number(found.get("BITBUCKET_PR_ID", "")),
        head=found.get("BITBUCKET_COMMIT", ""),
        bases=_names(found.get("BITBUCKET_PR_DESTINATION_COMMIT", ""), branch),
        job=f"{page}/pipelines/results/{run}" if run else "",
    )


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _names(commit: str, branch: str) -> tuple[str, ...]:
    """A commit is surer than a branch that moves on; of a branch, the remote's is surer than an old one here."""
    return tuple(name for name in (commit, f"origin/{branch}" if branch else "", branch) if name)
