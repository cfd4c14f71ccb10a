"""How forges are asked: tokens and where they come from, certificates, limits, what is told when it goes wrong."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.forges import Access, App, http
from reconciler.io.forges.access import Proof
from reconciler.io.git.credentials import Secret
from reconciler.model.forges import CommitStatus, StatusState
from reconciler.ports.forge import (
    ForgeAbsent,
    ForgeConflict,
    ForgeError,
    ForgeForbidden,
    ForgeThrottled,
    ForgeUnreachable,
)
from tests.io.forges.bitbucket_hosts import CenterHost, CloudHost
from tests.io.forges.conftest import opened
from tests.io.forges.github_host import GitHubHost
from tests.io.forges.gitlab_host import GitLabHost
from tests.io.forges.server import MAIN, TOKEN, Fault, Host, Pull
from tests.self_signed import self_signed

DONE = CommitStatus("reconciler/plan", StatusState.SUCCESS, "well")


async def running(kind: type[Host], tls: Any = None) -> AsyncIterator[Any]:
    host = kind()
    await host.start(tls)
    host.state.pulls[7] = Pull(7)
    yield host
    await host.stop()
    assert host.problems == []


@pytest.fixture
async def github() -> AsyncIterator[GitHubHost]:
    async for host in running(GitHubHost):
        yield host


@pytest.fixture
async def gitlab() -> AsyncIterator[GitLabHost]:
    async for host in running(GitLabHost):
        yield host


@pytest.fixture
async def cloud() -> AsyncIterator[CloudHost]:
    async for host in running(CloudHost):
        yield host


@pytest.fixture
async def center() -> AsyncIterator[CenterHost]:
    async for host in running(CenterHost):
        yield host


async def test_a_token_in_a_file_is_read_again_when_it_changes(github: GitHubHost, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old-one\n")
    forge = opened(github, token=Secret(file=file))
    with pytest.raises(ForgeForbidden):
        await forge.pull_request(7)
    file.write_text(f"{TOKEN}\n")
    assert (await forge.pull_request(7)).number == 7
    await forge.close()


async def test_a_token_that_is_not_there_is_told_by_its_place(
    github: GitHubHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORGE_TOKEN", raising=False)
    forge = opened(github, token=Secret(variable="FORGE_TOKEN"))
    with pytest.raises(ForgeForbidden, match="'FORGE_TOKEN' is empty or not set"):
        await forge.pull_request(7)
    monkeypatch.setenv("FORGE_TOKEN", TOKEN)
    assert (await forge.pull_request(7)).number == 7
    await forge.close()


async def test_a_token_that_cannot_be_sent_is_not_shown(github: GitHubHost) -> None:
    forge = opened(github, token=Secret(value="with\nanother: header"))
    with pytest.raises(ForgeError) as refused:
        await forge.pull_request(7)
    assert "another" not in f"{refused.value}{refused.value.__cause__}"
    assert github.asked == []
    await forge.close()


async def test_the_token_of_a_job_is_sent_as_such_and_nobody_is_asked_for(gitlab: GitLabHost) -> None:
    forge = opened(gitlab, job_token=True)
    assert await forge.account() == ""
    assert (await forge.pull_request(7)).number == 7
    assert all("PRIVATE-TOKEN" not in headers for headers in gitlab.seen)
    await forge.close()


def test_how_a_forge_is_asked_can_be_shown() -> None:
    access = Access(token=Secret(value=TOKEN), app=App("1", Secret(value=f"{TOKEN} key")))
    assert TOKEN not in f"{access!r} {Proof({'Authorization': TOKEN}, (TOKEN,))!r}"
    assert "'1'" in repr(access)


WORKFLOW = "Resource not accessible by integration"


async def test_the_token_of_a_workflow_is_told_by_graphql_whose_it_is(github: GitHubHost) -> None:
    github.faults.append(Fault(403, fits="GET /user", words=WORKFLOW))
    github.viewer = "github-actions[bot]"
    forge = opened(github)
    assert await forge.account() == "github-actions[bot]"
    await forge.close()


async def test_who_may_not_ask_for_the_account_is_nobody(github: GitHubHost, cloud: CloudHost) -> None:
    for host in (github, cloud):
        host.faults.append(Fault(403, words=WORKFLOW, times=2))
        forge = opened(host)
        assert await forge.account() == ""
        await forge.close()


async def test_words_of_a_forge_cannot_act_on_a_terminal(github: GitHubHost) -> None:
    github.faults.append(Fault(403, words="\x1b[2Jall is\nwell"))
    forge = opened(github)
    with pytest.raises(ForgeForbidden) as refused:
        await forge.pull_request(7)
    assert str(refused.value).isprintable()
    await forge.close()


async def test_a_username_makes_basic_credentials_that_no_message_holds(cloud: CloudHost) -> None:
    cloud.faults.append(Fault(403, words="not for Ym90OnMzY3IzdC10b2tlbi1vZi1vdXJz, nor s3cr3t-token-of-ours"))
    forge = opened(cloud, username="bot")
    with pytest.raises(ForgeForbidden, match=r"not for \*\*\*, nor \*\*\*"):
        await forge.pull_request(7)
    assert cloud.seen[0]["Authorization"] == "Basic Ym90OnMzY3IzdC10b2tlbi1vZi1vdXJz"
    await forge.close()


async def test_a_forge_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    certificate, context = self_signed("forge")
    (tmp_path / "ca.pem").write_bytes(certificate)
    async for host in running(GitHubHost, context):
        stranger, friend = opened(host), opened(host, ca_file=tmp_path / "ca.pem")
        with pytest.raises(ForgeUnreachable, match="not trusted") as refused:
            await stranger.pull_request(7)
        assert not refused.value.retryable
        assert (await friend.pull_request(7)).number == 7
        await stranger.close()
        await friend.close()


async def test_a_ca_file_that_is_none(github: GitHubHost, tmp_path: Path) -> None:
    forge = opened(github, ca_file=tmp_path / "none.pem")
    with pytest.raises(ForgeError, match=r"CA file .*none\.pem cannot be used"):
        await forge.pull_request(7)
    await forge.close()


async def test_a_forge_that_is_not_there(github: GitHubHost) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    github.url, real = f"http://127.0.0.1:{port}", github.url
    forge = opened(github)
    with pytest.raises(ForgeUnreachable, match="cannot be reached") as failed:
        await forge.create_comment(7, "hello")
    assert failed.value.retryable
    await forge.close()
    github.url = real


async def test_an_answer_that_takes_too_long(github: GitHubHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        github.url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        forge = opened(github, timeout=0.1)
        with pytest.raises(ForgeUnreachable, match=r"no answer within 0\.1 s"):
            await forge.create_comment(7, "hello")
        await forge.close()


async def test_an_answer_without_end_is_cut(github: GitHubHost, monkeypatch: pytest.MonkeyPatch) -> None:
    github.state.note(7, "x" * 60_000)
    monkeypatch.setattr(http, "LARGEST_ANSWER", 50_000)
    forge = opened(github)
    with pytest.raises(ForgeError, match="more than 50000 bytes"):
        [comment async for comment in forge.comments(7)]
    await forge.close()


async def test_pages_without_end_are_left(github: GitHubHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MOST_PAGES", 2)
    for number in range(201):
        github.state.note(7, str(number))
    forge = opened(github)
    with pytest.raises(ForgeError, match="more than 2 pages"):
        [comment async for comment in forge.comments(7)]
    await forge.close()


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}, "API rate limit exceeded"),
        (403, {"Retry-After": "120"}, "You have exceeded a secondary rate limit"),
        (429, {"Retry-After": formatdate(time.time() + 24 * 3600, usegmt=True)}, "Too many requests"),
    ],
)
async def test_limits_are_told_from_missing_rights(
    github: GitHubHost, status: int, headers: dict[str, str], words: str
) -> None:
    github.faults.append(Fault(status, headers=headers, words=words))
    forge = opened(github)
    with pytest.raises(ForgeThrottled, match=words) as refused:
        await forge.pull_request(7)
    assert refused.value.retry_after > 100
    await forge.close()


async def test_answers_of_something_else_are_told(github: GitHubHost) -> None:
    github.prefix = "/elsewhere"  # nothing of what is asked lies there: every path is unknown
    forge = opened(github)
    with pytest.raises(ForgeError, match="not in the description"):
        await forge.pull_request(7)
    github.problems.clear()
    await forge.close()


async def test_gitlab_statuses_belong_to_the_pipeline_of_the_commit(gitlab: GitLabHost) -> None:
    gitlab.pipelines[MAIN] = 61
    forge = opened(gitlab)
    await forge.set_status(MAIN, DONE)
    assert gitlab.state.statuses[-1]["pipeline_id"] == 61
    gitlab.pipelines.clear()
    await forge.set_status(MAIN, DONE)
    assert "pipeline_id" not in gitlab.state.statuses[-1]
    await forge.close()


async def test_gitlab_statuses_that_collide_are_sent_again(gitlab: GitLabHost) -> None:
    gitlab.faults.append(Fault(409, fits="statuses", times=2, words="Failed to obtain lock"))
    forge = opened(gitlab)
    await forge.set_status(MAIN, DONE)
    assert len(gitlab.state.statuses) == 1
    gitlab.faults.append(Fault(409, fits="statuses", times=9))
    with pytest.raises(ForgeConflict):
        await forge.set_status(MAIN, DONE)
    await forge.close()


async def test_a_comment_that_somebody_changed_meanwhile_is_a_conflict(center: CenterHost) -> None:
    forge = opened(center)
    made = await forge.create_comment(7, "ours")
    await forge.update_comment(7, made, "of another process")
    with pytest.raises(ForgeConflict, match="out-of-date"):
        await forge.update_comment(7, made, "ours again")
    assert center.state.notes[0].body == "of another process"
    await forge.close()


async def test_a_status_without_a_page_leads_to_the_commit(cloud: CloudHost, center: CenterHost) -> None:
    for host, page in ((cloud, f"/octo/shop/commits/{MAIN}"), (center, f"/projects/octo/repos/shop/commits/{MAIN}")):
        forge = opened(host)
        await forge.set_status(MAIN, DONE)
        assert host.state.statuses[0]["url"] == host.url + page
        await forge.close()


async def test_a_label_that_is_missing_in_gitea_is_made_once() -> None:
    from tests.io.forges.gitea_host import GiteaHost

    async for host in running(GiteaHost):
        forge = opened(host)
        for title in ("one", "two"):
            await forge.create_issue(title, "", "mesh-drift")
        assert host.state.labels == ["mesh-drift"]
        await forge.close()


async def test_the_base_of_a_branch_that_is_gone_is_as_the_forge_tells(github: GitHubHost, gitlab: GitLabHost) -> None:
    for host, base in ((github, f"{0xDEAD:040x}"), (gitlab, "")):
        host.state.branches.clear()
        forge = opened(host)
        assert (await forge.pull_request(7)).base == base
        with pytest.raises(ForgeAbsent):
            await forge.pull_request(8)
        await forge.close()
