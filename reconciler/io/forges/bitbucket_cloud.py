"""Bitbucket Cloud (developer.atlassian.com/cloud/bitbucket/rest, 2.0): pull requests, comments, build statuses.

Its issue tracker has no labels, and Atlassian is closing it: reports that need one are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from reconciler.io.forges.access import Access, proof_by
from reconciler.io.forges.http import MOST_PAGES, PAGE_SIZE, Ask, Http, Query, listed
from reconciler.io.forges.place import Place, file_path, quoted
from reconciler.io.forges.repository import Repository, cut
from reconciler.io.forges.trackers import NoTracker
from reconciler.model.forges import Comment, CommitStatus, PullRequest, StatusState
from reconciler.ports.forge import ForgeAbsent, ForgeForbidden

_STATES = {
    StatusState.PENDING: "INPROGRESS",
    StatusState.SUCCESS: "SUCCESSFUL",
    StatusState.FAILURE: "FAILED",
    StatusState.ERROR: "STOPPED",
}
_LONGEST_KEY = 40
_FULL_HASH = 40
_PULL_REQUESTS_AT_ONCE = 50  # "pagelen" of pull requests, at most


class BitbucketCloud(NoTracker, Repository):
    #: Atlassian tells none; longer ones are refused here and there, see docs/forges.md.
    largest_comment = 32_768
    folds = False
    tracker = "Bitbucket Cloud's issue tracker has no labels"

    def __init__(self, place: Place, access: Access) -> None:
        prove = proof_by(access, place.name, "Authorization", "Bearer {}")
        super().__init__(place, Http(place.api, place.name, prove, access))
        self._path = f"/repositories/{quoted(place.group)}/{quoted(place.repository)}"

    async def account(self) -> str:
        """The uuid, since names there are not unique; "" for a token without the scope ``account``."""
        return await self._who("uuid")

    async def pull_request(self, number: int) -> PullRequest:
        item = await self._http.get(f"{self._path}/pullrequests/{number}")
        return await self._pull_request(item, await self._head_of(item["destination"]["branch"]["name"]))

    async def pull_requests(self, target_branch: str) -> AsyncIterator[PullRequest]:
        base = ""
        named = target_branch.replace("\\", "\\\\").replace('"', '\\"')
        query: Query = {
            "q": f'state = "OPEN" AND destination.branch.name = "{named}"',
            "pagelen": _PULL_REQUESTS_AT_ONCE,
        }
        async for item in self._pages(Ask("GET", f"{self._path}/pullrequests", query)):
            base = base or await self._head_of(target_branch)
            yield await self._pull_request(item, base)

    async def merged_in(self, commit: str) -> tuple[PullRequest, ...]:
        """Known only where the workspace has the app "Pull Request Commit Links"."""
        ask = Ask("GET", f"{self._path}/commit/{quoted(commit)}/pullrequests", {"pagelen": _PULL_REQUESTS_AT_ONCE})
        try:
            found = [item["id"] async for item in self._pages(ask)]
        except ForgeAbsent:
            return ()
        whole = [await self.pull_request(number) for number in found]  # the list holds only what links to them
        return tuple(pull_request for pull_request in whole if pull_request.merged_as)

    async def comments(self, number: int) -> AsyncIterator[Comment]:
        """A deleted comment that was answered stays, empty, and is left out."""
        ask = Ask("GET", f"{self._path}/pullrequests/{number}/comments", {"pagelen": PAGE_SIZE})
        async for item in self._pages(ask):
            if not item.get("deleted"):
                yield self._as(_comment, item)

    async def create_comment(self, number: int, body: str) -> Comment:
        given = {"content": {"raw": self._fitting(body)}}
        path = f"{self._path}/pullrequests/{number}/comments"
        return self._as(_comment, (await self._http.ask(Ask("POST", path, body=given, repeatable=False))).data)

    async def update_comment(self, number: int, comment: Comment, body: str) -> Comment:
        given = {"content": {"raw": self._fitting(body)}}
        path = f"{self._path}/pullrequests/{number}/comments/{quoted(comment.id)}"
        return self._as(_comment, (await self._http.ask(Ask("PUT", path, body=given))).data)

    async def set_status(self, commit: str, status: CommitStatus) -> None:
        """It must lead somewhere: without a page of its own, to the commit."""
        given = {
            "key": _key(status.context),
            "name": cut(status.context, 255),
            "state": _STATES[status.state],
            "description": cut(status.description, self.longest_description),
            "url": status.url or f"{self._place.web}/{self._place.full_name}/commits/{commit}",
        }
        await self._http.ask(Ask("POST", f"{self._path}/commit/{quoted(commit)}/statuses/build", body=given))

    def line_url(self, commit: str, path: str, line: int) -> str:
        return f"{self._place.web}/{self._place.full_name}/src/{commit}/{file_path(path)}#lines-{line}"

    async def _pages(self, ask: Ask) -> AsyncIterator[Any]:
        for _page in range(MOST_PAGES):
            data = (await self._http.ask(ask)).data or {}
            for item in listed(data.get("values", []), self.name):
                yield item
            if not data.get("next"):
                return
            ask = self._http.following(ask, data["next"])
        raise self._http.endless()

    async def _pull_request(self, item: Mapping[str, Any], base: str) -> PullRequest:
        source, target = item["source"], item["destination"]
        home = (source.get("repository") or {}).get("full_name", "")
        foreign = home != target["repository"]["full_name"]
        merged = item["state"] == "MERGED" and item.get("merge_commit")
        return PullRequest(
            number=item["id"],
            title=item["title"],
            author=_author(item.get("author")),
            head=await self._whole((source.get("commit") or {}).get("hash", ""), home if foreign else ""),
            base=base,
            source_branch=source["branch"]["name"],
            target_branch=target["branch"]["name"],
            url=item["links"]["html"]["href"],
            open=item["state"] == "OPEN",
            merged_as=await self._whole(item["merge_commit"]["hash"]) if merged else "",
            foreign=foreign,
        )

    async def _whole(self, short: str, repository: str = "") -> str:
        """The full hash: pull requests name commits by their first twelve digits. A commit of a repository that we may
        not see is asked for in ours, which has it once there is a pull request."""
        if len(short) >= _FULL_HASH or not short:
            return short
        others = [f"/repositories/{file_path(repository)}"] if repository else []
        for path in [*others, self._path]:
            try:
                return str((await self._http.get(f"{path}/commit/{quoted(short)}"))["hash"])
            except (ForgeAbsent, ForgeForbidden) as error:
                if path == self._path and isinstance(error, ForgeForbidden):
                    raise
        return short

    async def _head_of(self, branch: str) -> str:
        try:
            return str((await self._http.get(f"{self._path}/refs/branches/{quoted(branch)}"))["target"]["hash"])
        except ForgeAbsent:
            return ""


def _author(account: Mapping[str, Any] | None) -> str:
    return str((account or {}).get("display_name", ""))


def _comment(item: Mapping[str, Any]) -> Comment:
    return Comment(str(item["id"]), str((item.get("user") or {}).get("uuid", "")), item["content"]["raw"])


def _key(context: str) -> str:
    """What Bitbucket tells statuses apart by; a long one keeps its beginning, and a hash tells it from its like."""
    if len(context) <= _LONGEST_KEY:
        return context
    return f"{context[:31]}-{hashlib.sha256(context.encode()).hexdigest()[:8]}"
