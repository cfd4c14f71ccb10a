"""Bitbucket Data Center 7.4 and later (developer.atlassian.com/server/bitbucket/rest): pull requests, comments, builds.

It has no issue tracker.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import unquote

from reconciler.io.forges.access import Access, proof_by
from reconciler.io.forges.http import MOST_PAGES, PAGE_SIZE, Ask, Http, Query, listed
from reconciler.io.forges.place import Place, file_path, quoted
from reconciler.io.forges.repository import Repository, cut
from reconciler.io.forges.trackers import NoTracker
from reconciler.model.forges import Comment, CommitStatus, PullRequest, StatusState
from reconciler.ports.forge import ForgeAbsent

_STATES = {
    StatusState.PENDING: "INPROGRESS",
    StatusState.SUCCESS: "SUCCESSFUL",
    StatusState.FAILURE: "FAILED",
    StatusState.ERROR: "CANCELLED",
}
_BRANCH = "refs/heads/"


class BitbucketDataCenter(NoTracker, Repository):
    largest_comment = 32_768
    folds = False
    tracker = "Bitbucket Data Center has no issue tracker"

    def __init__(self, place: Place, access: Access) -> None:
        prove = proof_by(access, place.name, "Authorization", "Bearer {}")
        super().__init__(place, Http(place.api, place.name, prove, access))
        self._path = f"/projects/{quoted(place.group)}/repos/{quoted(place.repository)}"

    async def account(self) -> str:
        """Told with every answer to somebody who is known."""
        answer = await self._http.ask(Ask("GET", "/application-properties"))
        return unquote(answer.headers.get("X-AUSERNAME", ""))

    async def pull_request(self, number: int) -> PullRequest:
        return self._pull_request(await self._http.get(f"{self._path}/pull-requests/{number}"))

    async def pull_requests(self, target_branch: str) -> AsyncIterator[PullRequest]:
        query: Query = {"state": "OPEN", "direction": "INCOMING", "at": f"{_BRANCH}{target_branch}"}
        async for item in self._pages(f"{self._path}/pull-requests", query):
            yield self._pull_request(item)

    async def merged_in(self, commit: str) -> tuple[PullRequest, ...]:
        try:
            found = [item async for item in self._pages(f"{self._path}/commits/{quoted(commit)}/pull-requests", {})]
        except ForgeAbsent:
            return ()
        merged = (self._pull_request(item) for item in found if item["state"] == "MERGED")
        return tuple(pull_request for pull_request in merged if pull_request.merged_as)

    async def comments(self, number: int) -> AsyncIterator[Comment]:
        """There is no list of comments, only of what happened, newest first: it is read to its end and turned round."""
        told: dict[str, Comment] = {}
        async for item in self._pages(f"{self._path}/pull-requests/{number}/activities", {}):
            if item["action"] == "COMMENTED" and item.get("commentAction") == "ADDED" and "comment" in item:
                comment = self._as(_comment, item["comment"])
                told.setdefault(comment.id, comment)
        for comment in reversed(list(told.values())):
            yield comment

    async def create_comment(self, number: int, body: str) -> Comment:
        path = f"{self._path}/pull-requests/{number}/comments"
        ask = Ask("POST", path, body={"text": self._fitting(body)}, repeatable=False)
        return self._as(_comment, (await self._http.ask(ask)).data)

    async def update_comment(self, number: int, comment: Comment, body: str) -> Comment:
        """Of the version that was read: a change by somebody else since is a ForgeConflict."""
        path = f"{self._path}/pull-requests/{number}/comments/{quoted(comment.id)}"
        given = {"text": self._fitting(body), "version": int(comment.version or 0)}
        return self._as(_comment, (await self._http.ask(Ask("PUT", path, body=given, repeatable=False))).data)

    async def set_status(self, commit: str, status: CommitStatus) -> None:
        """It must lead somewhere: without a page of its own, to the commit."""
        given = {
            "key": cut(status.context, 255),
            "name": cut(status.context, 255),
            "state": _STATES[status.state],
            "description": cut(status.description, self.longest_description),
            "url": status.url or f"{self._pages_of()}/commits/{commit}",
        }
        await self._http.ask(Ask("POST", f"{self._path}/commits/{quoted(commit)}/builds", body=given))

    def line_url(self, commit: str, path: str, line: int) -> str:
        return f"{self._pages_of()}/browse/{file_path(path)}?at={commit}#{line}"

    def _pages_of(self) -> str:
        owner = self._place.group
        kind, key = ("users", owner[1:]) if owner.startswith("~") else ("projects", owner)
        return f"{self._place.web}/{kind}/{key}/repos/{self._place.repository}"

    async def _pages(self, path: str, query: Query) -> AsyncIterator[Any]:
        start = 0
        for _page in range(MOST_PAGES):
            data = (await self._http.ask(Ask("GET", path, {**query, "start": start, "limit": PAGE_SIZE}))).data or {}
            for item in listed(data.get("values"), self.name):
                yield item
            if data.get("isLastPage", True) or data.get("nextPageStart") is None:
                return
            start = int(data["nextPageStart"])
        raise self._http.endless()

    def _pull_request(self, item: Mapping[str, Any]) -> PullRequest:
        source, target = item["fromRef"], item["toRef"]
        merge = ((item.get("properties") or {}).get("mergeCommit") or {}) if item["state"] == "MERGED" else {}
        return PullRequest(
            number=item["id"],
            title=item["title"],
            author=str(((item.get("author") or {}).get("user") or {}).get("name", "")),
            head=source["latestCommit"],
            base=target["latestCommit"],
            source_branch=source["id"].removeprefix(_BRANCH),
            target_branch=target["id"].removeprefix(_BRANCH),
            url=f"{self._pages_of()}/pull-requests/{item['id']}",
            open=item["state"] == "OPEN",
            merged_as=str(merge.get("id", "")),
            foreign=source["repository"].get("id") != target["repository"].get("id"),
        )


def _comment(item: Mapping[str, Any]) -> Comment:
    author = str((item.get("author") or {}).get("name", ""))
    return Comment(str(item["id"]), author, item["text"], str(item["version"]))
