"""Every forge's client against a server of its kind: the same things happen, whatever their form."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.forges import CommitStatus, PullRequest, StatusState
from reconciler.ports.forge import (
    Forge,
    ForgeAbsent,
    ForgeConflict,
    ForgeError,
    ForgeForbidden,
    ForgeLacks,
    ForgeRejected,
    ForgeThrottled,
    ForgeUnreachable,
)
from tests.io.forges.conftest import opened
from tests.io.forges.server import MAIN, SHA, TOKEN, Fault, Host, Pull

NUMBER = 7
BITBUCKETS = ("bitbucket-cloud", "bitbucket-data-center")
TRACKERS = ("github", "gitlab", "gitea")


@pytest.fixture
def pull(host: Host) -> Pull:
    made = Pull(NUMBER)
    host.state.pulls[NUMBER] = made
    return made


async def bodies(forge: Forge) -> list[str]:
    return [comment.body async for comment in forge.comments(NUMBER)]


async def test_who_we_are_is_told_as_authors_are(host: Host, forge: Forge, pull: Pull) -> None:
    made = await forge.create_comment(NUMBER, "hello")
    assert made.author == await forge.account() != ""


async def test_a_comment_is_made_and_changed(host: Host, forge: Forge, pull: Pull) -> None:
    host.state.note(NUMBER, "first", author="mona")
    made = await forge.create_comment(NUMBER, "<!-- ours -->\nplan é 🚀")
    changed = await forge.update_comment(NUMBER, made, "<!-- ours -->\nno changes")
    assert (made.body, changed.id, changed.author) == ("<!-- ours -->\nplan é 🚀", made.id, made.author)
    assert await bodies(forge) == ["first", "<!-- ours -->\nno changes"]


async def test_what_no_forge_can_store_is_put_in_other_words(host: Host, forge: Forge, pull: Pull) -> None:
    await forge.create_comment(NUMBER, "a name of bytes: \udcff, and \x00")
    assert await bodies(forge) == ["a name of bytes: ?, and ?"]


async def test_a_change_can_follow_a_change(host: Host, forge: Forge, pull: Pull) -> None:
    changed = await forge.update_comment(NUMBER, await forge.create_comment(NUMBER, "a"), "b")
    await forge.update_comment(NUMBER, changed, "c")
    assert await bodies(forge) == ["c"]


async def test_comments_of_three_pages_come_oldest_first(host: Host, forge: Forge, pull: Pull) -> None:
    written = [host.state.note(NUMBER, f"comment {number}").body for number in range(250)]
    host.state.pulls[8] = Pull(8)
    host.state.note(8, "of another one")
    assert await bodies(forge) == written


@pytest.mark.parametrize(("host", "kind"), [("gitlab", "system"), ("bitbucket-cloud", "deleted")], indirect=["host"])
async def test_what_is_no_comment_of_people_is_left_out(host: Host, forge: Forge, pull: Pull, kind: str) -> None:
    host.state.note(NUMBER, "", kind=kind)
    host.state.note(NUMBER, "a comment")
    assert await bodies(forge) == ["a comment"]


async def test_a_pull_request_is_read(host: Host, forge: Forge, pull: Pull) -> None:
    found = await forge.pull_request(NUMBER)
    assert found.url.startswith(host.url)
    assert replace(found, url="") == PullRequest(
        number=NUMBER,
        title=pull.title,
        author="mona",
        head=pull.head,
        base=MAIN,
        source_branch="canary",
        target_branch="main",
        url="",
    )


async def test_a_pull_request_of_another_repository_is_foreign(host: Host, forge: Forge, pull: Pull) -> None:
    pull.foreign = True
    found = await forge.pull_request(NUMBER)
    assert (found.foreign, found.head) == (True, pull.head)


async def test_open_pull_requests_to_a_branch(host: Host, forge: Forge) -> None:
    pulls = [Pull(number, head=SHA(number)) for number in range(1, 121)]
    others = [Pull(200, target="release/1"), Pull(201, state="closed"), Pull(202, state="merged", merge=SHA(2))]
    host.state.branches["release/1"] = SHA(0xA1)
    host.state.pulls = {each.number: each for each in [*pulls, *others]}
    found = [(each.number, each.head, each.base) async for each in forge.pull_requests("main")]
    assert found == [(each.number, each.head, MAIN) for each in pulls]
    assert [(each.number, each.base) async for each in forge.pull_requests("release/1")] == [(200, SHA(0xA1))]


async def test_by_which_pull_request_a_commit_came_in(host: Host, forge: Forge, pull: Pull) -> None:
    pull.state, pull.merge = "merged", SHA(0xC1)
    found = await forge.merged_in(SHA(0xC1))
    assert [(each.number, each.merged_as, each.open) for each in found] == [(NUMBER, SHA(0xC1), False)]


async def test_a_commit_of_an_open_pull_request_came_in_by_none(host: Host, forge: Forge, pull: Pull) -> None:
    assert await forge.merged_in(pull.head) == ()
    assert await forge.merged_in(SHA(0xFFFF)) == ()


@pytest.mark.parametrize("host", ["github", "gitlab"], indirect=True)
async def test_a_repository_that_is_hidden_is_told_from_a_commit_that_came_in_by_none(host: Host, forge: Forge) -> None:
    host.faults.append(Fault(404, words="404 Project Not Found"))
    with pytest.raises(ForgeAbsent):
        await forge.merged_in(MAIN)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (StatusState.PENDING, ("pending", "running", "INPROGRESS")),
        (StatusState.SUCCESS, ("success", "SUCCESSFUL")),
        (StatusState.FAILURE, ("failure", "failed", "FAILED")),
        (StatusState.ERROR, ("error", "failed", "STOPPED", "CANCELLED")),
    ],
)
async def test_a_status_is_set(host: Host, forge: Forge, state: StatusState, words: tuple[str, ...]) -> None:
    await forge.set_status(MAIN, CommitStatus("reconciler/plan", state, "2 to change", "https://ci.example/1"))
    [status] = host.state.statuses
    named = status.get("context") or status.get("name")
    assert (status["sha"], named, status["description"]) == (MAIN, "reconciler/plan", "2 to change")
    assert status["state"] in words
    assert "https://ci.example/1" in (status.get("url"), status.get("target_url"))


async def test_a_status_is_cut_to_what_the_forge_takes(host: Host, forge: Forge) -> None:
    context = "reconciler/plan/a-cluster-with-quite-a-long-name-in-europe"
    for end in ("one", "two"):
        await forge.set_status(MAIN, CommitStatus(context + end, StatusState.SUCCESS, "all is well " * 40))
    told = [status["description"] for status in host.state.statuses]
    assert all(words.startswith("all is well") and words.endswith("…") and len(words) <= 255 for words in told)
    keys = {status.get("key") or status.get("context") or status["name"] for status in host.state.statuses}
    assert len(keys) == 2


async def test_a_status_may_be_told_twice(host: Host, forge: Forge) -> None:
    for _time in range(2):
        await forge.set_status(MAIN, CommitStatus("reconciler/plan", StatusState.PENDING, "at it"))
    assert host.state.statuses[-1]["description"] == "at it"


@pytest.mark.parametrize("host", TRACKERS, indirect=True)
async def test_issues_are_made_found_and_closed(host: Host, forge: Forge) -> None:
    made = await forge.create_issue("Drift in eu-1", "since noon", "mesh-drift")
    await forge.create_issue("Something else", "", "other")
    assert [issue async for issue in forge.issues("mesh-drift")] == [made]
    assert (made.title, made.body, made.open) == ("Drift in eu-1", "since noon", True)
    assert made.url.startswith(host.url)
    closed = await forge.update_issue(replace(made, body="it is gone", open=False))
    assert (closed.id, closed.body, closed.open) == (made.id, "it is gone", False)
    assert [issue async for issue in forge.issues("mesh-drift")] == []
    assert (await forge.update_issue(replace(closed, open=True))).open


@pytest.mark.parametrize("host", TRACKERS, indirect=True)
async def test_issues_of_three_pages_come_oldest_first(host: Host, forge: Forge) -> None:
    host.state.labels = ["drift"]
    made = [host.state.entry(f"issue {number}", "", ["drift"]) for number in range(220)]
    host.state.entry("of no label", "", [])
    if type(host).__name__ == "GitHubHost":
        host.state.entry("a pull request is an issue there", "", ["drift"]).pull = True
    assert [issue.title async for issue in forge.issues("drift")] == [entry.title for entry in made]


@pytest.mark.parametrize("host", TRACKERS, indirect=True)
async def test_a_label_that_nobody_made_has_no_issues(host: Host, forge: Forge) -> None:
    host.state.entry("an issue of people", "", [])
    assert [issue async for issue in forge.issues("drift")] == []


@pytest.mark.parametrize("host", BITBUCKETS, indirect=True)
async def test_what_bitbucket_lacks_is_said_without_asking(host: Host, forge: Forge) -> None:
    with pytest.raises(ForgeLacks, match="tracker"):
        await forge.create_issue("Drift", "", "drift")
    with pytest.raises(ForgeLacks, match="tracker"):
        [issue async for issue in forge.issues("drift")]
    assert host.asked == []


async def test_a_comment_of_the_largest_size_is_taken_and_a_larger_one_refused(
    host: Host, forge: Forge, pull: Pull
) -> None:
    largest = "x" * forge.largest_comment
    assert len(largest) <= host.most_words
    made = await forge.create_comment(NUMBER, largest)
    for again in (forge.create_comment(NUMBER, largest + "x"), forge.update_comment(NUMBER, made, "é" + largest[1:])):
        with pytest.raises(ForgeRejected, match=str(forge.largest_comment)):
            await again
    assert await bodies(forge) == [largest]


async def test_another_token_is_refused_and_told_nowhere(host: Host, pull: Pull) -> None:
    from reconciler.io.git.credentials import Secret

    forge = opened(host, token=Secret(value="another-s3cr3t"))
    with pytest.raises(ForgeForbidden) as refused:
        await forge.create_comment(NUMBER, "hello")
    await forge.close()
    assert refused.value.status == 401
    assert not refused.value.retryable
    assert "another-s3cr3t" not in str(refused.value) + repr(forge)
    assert host.state.notes == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, ForgeForbidden), (404, ForgeAbsent), (409, ForgeConflict), (422, ForgeRejected), (400, ForgeRejected)],
)
async def test_a_refusal_is_told_in_the_words_of_the_forge(
    host: Host, forge: Forge, pull: Pull, status: int, kind: type[ForgeError]
) -> None:
    host.faults.append(Fault(status, words=f"because of {TOKEN} and so", times=9))
    with pytest.raises(kind, match=r"because of \*\*\* and so") as refused:
        await forge.create_comment(NUMBER, "hello")
    assert type(refused.value) is kind
    assert (refused.value.status, len(host.asked)) == (status, 1)
    assert forge.name in str(refused.value)


async def test_a_pull_request_that_is_not_there(host: Host, forge: Forge) -> None:
    with pytest.raises(ForgeAbsent):
        await forge.pull_request(404)
    with pytest.raises(ForgeAbsent):
        await forge.create_comment(404, "hello")


async def test_a_throttled_request_is_sent_again_when_the_forge_says(host: Host, forge: Forge, pull: Pull) -> None:
    host.faults.append(Fault(429, fits="POST", headers={"Retry-After": "0.2"}))
    await forge.create_comment(NUMBER, "hello")
    assert await bodies(forge) == ["hello"]


async def test_a_long_pause_is_left_to_who_asked(host: Host, forge: Forge, pull: Pull) -> None:
    host.faults.append(Fault(429, headers={"Retry-After": "3600"}, times=9))
    with pytest.raises(ForgeThrottled) as refused:
        await forge.create_comment(NUMBER, "hello")
    assert (refused.value.retry_after, refused.value.retryable, len(host.asked)) == (3600, True, 1)


async def test_what_can_be_repeated_is_repeated(host: Host, forge: Forge, pull: Pull) -> None:
    made = await forge.create_comment(NUMBER, "hello")
    host.faults += [Fault(502, fits="GET"), Fault(503, fits="(builds?|statuses/)")]
    assert await bodies(forge) == ["hello"]
    await forge.set_status(MAIN, CommitStatus("reconciler/plan", StatusState.SUCCESS, "well"))
    assert len(host.state.statuses) == 1
    if type(host).__name__ != "CenterHost":  # which would call its own change a conflict
        host.faults.append(Fault(500, fits="(PUT|PATCH)", done=True))
        await forge.update_comment(NUMBER, made, "changed")
        assert await bodies(forge) == ["changed"]


async def test_a_comment_whose_fate_is_unknown_is_not_made_twice(host: Host, forge: Forge, pull: Pull) -> None:
    host.faults.append(Fault(502, fits="POST", done=True))
    with pytest.raises(ForgeUnreachable) as failed:
        await forge.create_comment(NUMBER, "hello")
    assert failed.value.retryable
    assert await bodies(forge) == ["hello"]


async def test_a_forge_that_fails_on_and_on(host: Host, forge: Forge, pull: Pull) -> None:
    host.faults.append(Fault(500, times=99))
    with pytest.raises(ForgeUnreachable, match="no"):
        await forge.pull_request(NUMBER)
    assert len(host.asked) == 4


async def test_a_forge_that_moved_is_not_followed(host: Host, forge: Forge, pull: Pull) -> None:
    host.faults.append(Fault(301, headers={"Location": f"{host.url}{host.prefix}/elsewhere"}))
    with pytest.raises(ForgeAbsent, match="moved"):
        await forge.pull_request(NUMBER)
    assert len(host.asked) == 1


async def test_lines_of_files_have_pages(host: Host, forge: Forge) -> None:
    expected = {
        "GitHubHost": f"/octo/shop/blob/{MAIN}/policies/a%20b.yaml#L12",
        "GitLabHost": f"/octo/shop/-/blob/{MAIN}/policies/a%20b.yaml#L12",
        "GiteaHost": f"/octo/shop/src/commit/{MAIN}/policies/a%20b.yaml#L12",
        "CloudHost": f"/octo/shop/src/{MAIN}/policies/a%20b.yaml#lines-12",
        "CenterHost": f"/projects/octo/repos/shop/browse/policies/a%20b.yaml?at={MAIN}#12",
    }
    assert forge.line_url(MAIN, "policies/a b.yaml", 12) == host.url + expected[type(host).__name__]
