"""A forge in memory with pull requests that merge and a tracker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from reconciler.model.forges import Comment, Issue, PullRequest
from reconciler.ports.forge import ForgeAbsent
from tests.pipeline.one_forge import OneForge


@dataclass
class FullForge(OneForge):
    """``pulls`` by number, ``merged``: which of them came in by a commit, ``talk``: comments by pull request.
    ``asked``: the calls, in order."""

    pulls: dict[int, PullRequest] = field(default_factory=dict)
    merged: dict[str, list[int]] = field(default_factory=dict)
    talk: dict[int, list[Comment]] = field(default_factory=dict)
    tracker: list[Issue] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    closed: bool = False

    def open_pull(self, number: int, head: str, branch: str = "main") -> None:
        url = f"https://forge.test/o/r/pull/{number}"
        self.pulls[number] = PullRequest(number, "title", "eve", head, "", f"change-{number}", branch, url)

    async def pull_request(self, number: int) -> PullRequest:
        self.asked.append(f"pull_request {number}")
        self._may("pull_request")
        if number not in self.pulls:
            raise ForgeAbsent("no such pull request", 404)
        return self.pulls[number]

    async def pull_requests(self, target_branch: str) -> AsyncIterator[PullRequest]:
        self.asked.append("pull_requests")
        self._may("pull_requests")
        for pull in list(self.pulls.values()):
            if pull.open and pull.target_branch == target_branch:
                yield pull

    async def merged_in(self, commit: str) -> tuple[PullRequest, ...]:
        self.asked.append(f"merged_in {commit[:8]}")
        self._may("merged_in")
        return tuple(self.pulls[number] for number in self.merged.get(commit, ()))

    async def comments(self, number: int) -> AsyncIterator[Comment]:
        self._may("comments")
        for one in list(self.talk.get(number, ())):
            yield one

    async def create_comment(self, number: int, body: str) -> Comment:
        self._may("create_comment")
        assert len(body.encode()) <= self.largest_comment
        made = Comment(f"{number}-{len(self.talk.get(number, ()))}", self.me, body)
        self.talk.setdefault(number, []).append(made)
        self.writes += 1
        return made

    async def update_comment(self, number: int, comment: Comment, body: str) -> Comment:
        self._may("update_comment")
        mine = self.talk[number]
        at = next(at for at, one in enumerate(mine) if one.id == comment.id)
        mine[at] = replace(mine[at], body=body)
        self.writes += 1
        return mine[at]

    async def issues(self, label: str) -> AsyncIterator[Issue]:
        self._may("issues")
        for one in list(self.tracker):
            if one.open:
                yield one

    async def create_issue(self, title: str, body: str, label: str) -> Issue:
        self._may("create_issue")
        self.tracker.append(Issue(str(len(self.tracker) + 1), title, body, self.me))
        self.writes += 1
        return self.tracker[-1]

    async def update_issue(self, issue: Issue) -> Issue:
        self._may("update_issue")
        at = next(at for at, one in enumerate(self.tracker) if one.id == issue.id)
        self.tracker[at] = issue
        self.writes += 1
        return issue

    async def close(self) -> None:
        self.closed = True
