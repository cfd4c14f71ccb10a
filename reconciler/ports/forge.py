"""A forge (GitHub, GitLab, Gitea, Bitbucket) as a Protocol: reviews, statuses, issues of one repository.

    ForgeError                   retryable or not; the message is for people and names no secret
    ├── ForgeUnreachable         no answer: down, timed out, cut, 5xx
    ├── ForgeForbidden           401, 403: the token, or what it may do
    ├── ForgeAbsent              404: the repository, pull request or comment, or hidden from this token
    ├── ForgeConflict            409, 412: somebody changed it meanwhile
    ├── ForgeRejected            400, 413, 422: what was sent
    ├── ForgeThrottled           429, or 403 for a limit: ``retry_after`` seconds, when it said
    ├── ForgeLacks               this forge has no such thing: nothing was asked
    └── DeliveryRefused          a webhook that is not to be believed or not to be read: ``status`` is what to answer

Implementations are in ``reconciler.io.forges``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from reconciler.model.forges import Comment, CommitStatus, Issue, PullRequest
from reconciler.ports import OutsideError


class ForgeError(OutsideError):
    """``status`` is the HTTP status, 0 when there was none; ``retry_after`` seconds, when the forge said."""

    def __init__(self, message: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class ForgeUnreachable(ForgeError):
    retryable = True


class ForgeForbidden(ForgeError):
    pass


class ForgeAbsent(ForgeError):
    pass


class ForgeConflict(ForgeError):
    retryable = True


class ForgeRejected(ForgeError):
    pass


class ForgeThrottled(ForgeError):
    retryable = True


class ForgeLacks(ForgeError):
    pass


class DeliveryRefused(ForgeError):
    pass


class Forge(Protocol):
    """One repository on a forge. Every method may raise a ForgeError; reads and writes that may be repeated are
    repeated a few times on their own account, waiting as long as the forge asks, within bounds."""

    @property
    def name(self) -> str:
        """How reports call it: the address and repository, without credentials."""

    @property
    def largest_comment(self) -> int:
        """UTF-8 bytes that a comment may have, markers included."""

    @property
    def folds(self) -> bool:
        """Whether ``<details>`` folds there; else it is shown as text."""

    async def account(self) -> str:
        """Who we are there, as ``Comment.author`` says it; "" where a token cannot ask."""

    async def pull_request(self, number: int) -> PullRequest: ...

    def pull_requests(self, target_branch: str) -> AsyncIterator[PullRequest]:
        """The open ones, over all pages."""

    async def merged_in(self, commit: str) -> tuple[PullRequest, ...]:
        """The merged pull requests by which a commit came into its branch; none where nobody knows."""

    def comments(self, number: int) -> AsyncIterator[Comment]:
        """Those of a pull request, over all pages, oldest first."""

    async def create_comment(self, number: int, body: str) -> Comment: ...

    async def update_comment(self, number: int, comment: Comment, body: str) -> Comment:
        """ForgeConflict when somebody changed it meanwhile, where the forge tells."""

    async def set_status(self, commit: str, status: CommitStatus) -> None: ...

    def issues(self, label: str) -> AsyncIterator[Issue]:
        """Open entries of the tracker with a label, all pages, oldest first. ForgeLacks where no tracker has labels."""

    async def create_issue(self, title: str, body: str, label: str) -> Issue: ...

    async def update_issue(self, issue: Issue) -> Issue:
        """Title, body and whether it is open become those of ``issue``."""

    def line_url(self, commit: str, path: str, line: int) -> str:
        """The page that shows a line of a file at a commit."""

    async def close(self) -> None: ...
