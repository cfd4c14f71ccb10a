"""GitHub and GitHub Enterprise (docs.github.com/rest, version 2022-11-28): pulls, issue comments, statuses, issues."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from reconciler.io.forges.access import Access, proof_by
from reconciler.io.forges.github_app import Installation
from reconciler.io.forges.http import PAGE_SIZE, Ask, Http, Query
from reconciler.io.forges.place import Place, file_path, quoted
from reconciler.io.forges.repository import LONGEST_TITLE, cut
from reconciler.io.forges.shapes import Tracked, comment_of, issue_of, login
from reconciler.model.forges import Comment, CommitStatus, Issue, PullRequest
from reconciler.ports.forge import ForgeAbsent, ForgeForbidden, ForgeRejected


class GitHub(Tracked):
    largest_comment = 65_536  # "Body is too long (maximum is 65536 characters)"
    longest_description = 140

    def __init__(self, place: Place, access: Access) -> None:
        self._app = Installation(place, access) if access.app else None
        prove = self._app.prove if self._app else proof_by(access, place.name, "Authorization", "Bearer {}")
        super().__init__(place, Http(place.api, place.name, prove, access))
        self._graph = Http(place.api.removesuffix("/v3"), place.name, prove, access)
        self._path = f"/repos/{quoted(place.group)}/{quoted(place.repository)}"

    async def close(self) -> None:
        await super().close()
        await self._graph.close()
        if self._app:
            await self._app.close()

    async def account(self) -> str:
        """The token of a workflow or of an installation may not ask ``/user``; GraphQL tells it who it is."""
        if self._app:
            return await self._app.account()
        if known := await self._who("login"):
            return known
        try:
            answer = await self._graph.ask(Ask("POST", "/graphql", body={"query": "{viewer{login}}"}))
        except (ForgeAbsent, ForgeForbidden):
            return ""
        return self._as(lambda: str(((answer.data.get("data") or {}).get("viewer") or {}).get("login", "")))

    async def pull_request(self, number: int) -> PullRequest:
        item = await self._http.get(f"{self._path}/pulls/{number}")
        return self._as(_pull_request, item, await self._head_of(item["base"]))

    async def pull_requests(self, target_branch: str) -> AsyncIterator[PullRequest]:
        base = ""
        query: Query = {"state": "open", "base": target_branch, "per_page": PAGE_SIZE}
        async for item in self._http.pages(Ask("GET", f"{self._path}/pulls", query)):
            base = base or await self._head_of(item["base"])
            yield self._as(_pull_request, item, base)

    async def merged_in(self, commit: str) -> tuple[PullRequest, ...]:
        """An unknown commit is answered with 422 and has come in by nothing."""
        ask = Ask("GET", f"{self._path}/commits/{quoted(commit)}/pulls", {"per_page": PAGE_SIZE})
        try:
            found = [self._as(_pull_request, item, item["base"]["sha"]) async for item in self._http.pages(ask)]
        except ForgeRejected:
            return ()
        return tuple(pull_request for pull_request in found if pull_request.merged_as)

    async def comments(self, number: int) -> AsyncIterator[Comment]:
        ask = Ask("GET", f"{self._path}/issues/{number}/comments", {"per_page": PAGE_SIZE})
        async for item in self._http.pages(ask):
            yield self._as(comment_of, item)

    async def update_comment(self, number: int, comment: Comment, body: str) -> Comment:
        path = f"{self._path}/issues/comments/{quoted(comment.id)}"
        return self._as(comment_of, (await self._http.ask(Ask("PATCH", path, body={"body": self._fitting(body)}))).data)

    async def set_status(self, commit: str, status: CommitStatus) -> None:
        body = {
            "state": status.state.value,
            "context": status.context,
            "description": cut(status.description, self.longest_description),
        }
        if status.url:
            body["target_url"] = status.url
        await self._http.ask(Ask("POST", f"{self._path}/statuses/{quoted(commit)}", body=body))

    async def issues(self, label: str) -> AsyncIterator[Issue]:
        """Pull requests are issues there, and are left out."""
        query: Query = {"state": "open", "labels": label, "direction": "asc", "per_page": PAGE_SIZE}
        async for item in self._http.pages(Ask("GET", f"{self._path}/issues", query)):
            if "pull_request" not in item:
                yield self._as(issue_of, item)

    async def create_issue(self, title: str, body: str, label: str) -> Issue:
        given = {"title": cut(title, LONGEST_TITLE), "body": self._fitting(body), "labels": [label]}
        return self._as(
            issue_of, (await self._http.ask(Ask("POST", f"{self._path}/issues", body=given, repeatable=False))).data
        )

    async def _head_of(self, base: Mapping[str, Any]) -> str:
        """Of the branch now: a pull request tells what it was when something was pushed to it the last time, which
        must do where the token may not see contents."""
        try:
            found = await self._http.get(f"{self._path}/branches/{quoted(base['ref'])}")
        except (ForgeAbsent, ForgeForbidden):
            return str(base["sha"])
        return str(found["commit"]["sha"])

    def line_url(self, commit: str, path: str, line: int) -> str:
        return f"{self._place.web}/{self._place.full_name}/blob/{commit}/{file_path(path)}#L{line}"


def _pull_request(item: Mapping[str, Any], base_commit: str) -> PullRequest:
    head, base = item["head"], item["base"]
    return PullRequest(
        number=item["number"],
        title=item["title"],
        author=login(item),
        head=head["sha"],
        base=base_commit,
        source_branch=head["ref"],
        target_branch=base["ref"],
        url=item["html_url"],
        open=item["state"] == "open",
        merged_as=(item["merge_commit_sha"] or "") if item["merged_at"] else "",
        foreign=(head["repo"] or {}).get("full_name") != base["repo"]["full_name"],
    )
