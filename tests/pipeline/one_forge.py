"""A forge in memory: what ``reconciler.ports.forge`` says of one, so far as reports need it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from reconciler.model.forges import Comment, CommitStatus, Issue, PullRequest
from reconciler.ports.forge import ForgeAbsent, ForgeError

PULL = PullRequest(7, "Mine", "eve", "a" * 40, "b" * 40, "change", "main", "https://forge.test/o/r/pull/7")


@dataclass
class OneForge:
    """``refuse``: methods that fail, and how; each once when ``once``."""

    me: str = "reconciler[bot]"
    largest_comment: int = 65_536
    folds: bool = True
    said: list[Comment] = field(default_factory=list)
    statuses: list[tuple[str, CommitStatus]] = field(default_factory=list)
    refuse: dict[str, ForgeError] = field(default_factory=dict)
    once: bool = False
    writes: int = 0

    @property
    def name(self) -> str:
        return "https://forge.test/o/r"

    def _may(self, method: str) -> None:
        if method in self.refuse:
            raise self.refuse.pop(method) if self.once else self.refuse[method]

    async def account(self) -> str:
        self._may("account")
        return self.me

    async def pull_request(self, number: int) -> PullRequest:
        self._may("pull_request")
        return replace(PULL, number=number)

    async def pull_requests(self, target_branch: str) -> AsyncIterator[PullRequest]:
        if target_branch == PULL.target_branch:
            yield PULL

    async def merged_in(self, commit: str) -> tuple[PullRequest, ...]:
        return ()

    async def comments(self, number: int) -> AsyncIterator[Comment]:
        self._may("comments")
        for one in list(self.said):
            yield one

    async def create_comment(self, number: int, body: str) -> Comment:
        self._may("create_comment")
        assert len(body.encode()) <= self.largest_comment
        self.said.append(Comment(str(len(self.said) + 1), self.me or "token", body))
        self.writes += 1
        return self.said[-1]

    async def update_comment(self, number: int, comment: Comment, body: str) -> Comment:
        self._may("update_comment")
        at = next((at for at, one in enumerate(self.said) if one.id == comment.id), None)
        if at is None:
            raise ForgeAbsent("no such comment", 404)
        self.said[at] = replace(self.said[at], body=body)
        self.writes += 1
        return self.said[at]

    async def set_status(self, commit: str, status: CommitStatus) -> None:
        self._may("set_status")
        self.statuses.append((commit, status))

    async def issues(self, label: str) -> AsyncIterator[Issue]:
        for one in ():
            yield one

    async def create_issue(self, title: str, body: str, label: str) -> Issue:
        raise ForgeAbsent("no tracker", 404)

    async def update_issue(self, issue: Issue) -> Issue:
        raise ForgeAbsent("no tracker", 404)

    def line_url(self, commit: str, path: str, line: int) -> str:
        return f"{self.name}/blob/{commit}/{path}#L{line}"

    async def close(self) -> None: ...
