"""Gitea and Forgejo (their /api/swagger, v1), which kept the same interface: pulls, comments, statuses, issues."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from reconciler.io.forges.access import Access, proof_by
from reconciler.io.forges.http import Ask, Http, Query
from reconciler.io.forges.place import Place, file_path, quoted
from reconciler.io.forges.repository import LONGEST_TITLE, cut
from reconciler.io.forges.shapes import Tracked, comment_of, issue_of, login
from reconciler.model.forges import Comment, CommitStatus, Issue, PullRequest
from reconciler.ports.forge import ForgeAbsent

_PAGE_SIZE = 50  # MAX_RESPONSE_ITEMS, unless the administrator says otherwise
_LABEL_COLOUR = "#cc3311"


class Gitea(Tracked):
    #: Comments have no limit of their own; servers take a request of some megabytes.
    largest_comment = 1_000_000

    def __init__(self, place: Place, access: Access) -> None:
        prove = proof_by(access, place.name, "Authorization", "token {}")
        super().__init__(place, Http(place.api, place.name, prove, access))
        self._path = f"/repos/{quoted(place.group)}/{quoted(place.repository)}"

    async def account(self) -> str:
        """A token without the scope ``read:user`` cannot ask."""
        return await self._who("login")

    async def pull_request(self, number: int) -> PullRequest:
        return self._as(_pull_request, await self._http.get(f"{self._path}/pulls/{number}"))

    async def pull_requests(self, target_branch: str) -> AsyncIterator[PullRequest]:
        ask = Ask("GET", f"{self._path}/pulls", {"state": "open", "limit": _PAGE_SIZE})
        async for item in self._http.pages(ask):
            if item["base"]["ref"] == target_branch:
                yield self._as(_pull_request, item)

    async def merged_in(self, commit: str) -> tuple[PullRequest, ...]:
        try:
            found = self._as(_pull_request, await self._http.get(f"{self._path}/commits/{quoted(commit)}/pull"))
        except ForgeAbsent:
            return ()
        return (found,) if found.merged_as else ()

    async def comments(self, number: int) -> AsyncIterator[Comment]:
        """All in one answer; pages are followed should there be any."""
        async for item in self._http.pages(Ask("GET", f"{self._path}/issues/{number}/comments")):
            yield self._as(comment_of, item)

    async def update_comment(self, number: int, comment: Comment, body: str) -> Comment:
        path = f"{self._path}/issues/comments/{quoted(comment.id)}"
        answer = await self._http.ask(Ask("PATCH", path, body={"body": self._fitting(body)}))
        return self._as(comment_of, answer.data) if answer.data else Comment(comment.id, comment.author, body)

    async def set_status(self, commit: str, status: CommitStatus) -> None:
        given = {"state": status.state.value, "context": cut(status.context, 255), "target_url": status.url}
        given["description"] = cut(status.description, self.longest_description)
        await self._http.ask(Ask("POST", f"{self._path}/statuses/{quoted(commit)}", body=given))

    async def issues(self, label: str) -> AsyncIterator[Issue]:
        """Asked for a label that nobody has made, some versions answer with every issue: each is looked at. Newest
        come first there, and few versions can be asked for another order."""
        query: Query = {"state": "open", "type": "issues", "labels": label, "limit": _PAGE_SIZE}
        found = [item async for item in self._http.pages(Ask("GET", f"{self._path}/issues", query))]
        for item in reversed(found):
            if label in [each["name"] for each in item.get("labels") or ()]:
                yield self._as(issue_of, item)

    async def create_issue(self, title: str, body: str, label: str) -> Issue:
        given = {"title": cut(title, LONGEST_TITLE), "body": self._fitting(body)}
        labelled = {**given, "labels": [await self._label(label)]}
        ask = Ask("POST", f"{self._path}/issues", body=labelled, repeatable=False)
        return self._as(issue_of, (await self._http.ask(ask)).data)

    def line_url(self, commit: str, path: str, line: int) -> str:
        return f"{self._place.web}/{self._place.full_name}/src/commit/{commit}/{file_path(path)}#L{line}"

    async def _label(self, name: str) -> int:
        """The number of a label of the repository, which is made where there is none: issues are labelled by it."""
        async for item in self._http.pages(Ask("GET", f"{self._path}/labels", {"limit": _PAGE_SIZE})):
            if item["name"] == name:
                return int(item["id"])
        given = {"name": name, "color": _LABEL_COLOUR}
        made = await self._http.ask(Ask("POST", f"{self._path}/labels", body=given, repeatable=False))
        return int(made.data["id"])


def _pull_request(item: Mapping[str, Any]) -> PullRequest:
    head, base = item["head"], item["base"]
    return PullRequest(
        number=item["number"],
        title=item["title"],
        author=login(item),
        head=head["sha"],
        base=base["sha"],
        source_branch=head["ref"],
        target_branch=base["ref"],
        url=item["html_url"],
        open=item["state"] == "open",
        merged_as=(item.get("merge_commit_sha") or "") if item.get("merged") else "",
        foreign=head.get("repo_id") != base.get("repo_id"),
    )
