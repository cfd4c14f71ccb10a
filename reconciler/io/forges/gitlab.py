"""GitLab, gitlab.com or self-hosted (docs.gitlab.com/api, v4): merge requests, notes, commit statuses, issues."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from reconciler.io.forges.access import Access, proof_by
from reconciler.io.forges.http import PAGE_SIZE, Ask, Http, Query
from reconciler.io.forges.place import Place, file_path, quoted
from reconciler.io.forges.repository import LONGEST_TITLE, Repository, cut
from reconciler.model.forges import Comment, CommitStatus, Issue, PullRequest, StatusState
from reconciler.ports.forge import ForgeAbsent, ForgeForbidden, ForgeRejected

#: "pending" waits for a runner there; a check that is under way is "running"
_STATES = {
    StatusState.PENDING: "running",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failed",
    StatusState.ERROR: "failed",
}


class GitLab(Repository):
    largest_comment = 1_000_000  # "Size of comments", docs.gitlab.com/administration/instance_limits

    def __init__(self, place: Place, access: Access) -> None:
        header = "JOB-TOKEN" if access.job_token else "PRIVATE-TOKEN"
        super().__init__(place, Http(place.api, place.name, proof_by(access, place.name, header), access))
        self._job_token = access.job_token
        self._path = f"/projects/{quoted(place.full_name)}"

    async def account(self) -> str:
        """The token of a job may not ask."""
        if self._job_token:
            return ""
        return await self._who("username")

    async def pull_request(self, number: int) -> PullRequest:
        item = await self._http.get(f"{self._path}/merge_requests/{number}")
        return self._as(_pull_request, item, await self._head_of(item["target_branch"]))

    async def pull_requests(self, target_branch: str) -> AsyncIterator[PullRequest]:
        base = ""
        query: Query = {"state": "opened", "target_branch": target_branch, "per_page": PAGE_SIZE}
        async for item in self._http.pages(Ask("GET", f"{self._path}/merge_requests", query)):
            base = base or await self._head_of(target_branch)
            yield self._as(_pull_request, item, base)

    async def merged_in(self, commit: str) -> tuple[PullRequest, ...]:
        ask = Ask("GET", f"{self._path}/repository/commits/{quoted(commit)}/merge_requests", {"per_page": PAGE_SIZE})
        try:
            found = [item async for item in self._http.pages(ask) if item["state"] == "merged"]
        except ForgeAbsent as error:
            if "project" in str(error).lower().removeprefix(self.name.lower()):
                raise
            return ()
        return tuple([self._as(_pull_request, item, await self._head_of(item["target_branch"])) for item in found])

    async def comments(self, number: int) -> AsyncIterator[Comment]:
        """Notes that GitLab itself wrote about what happened are left out."""
        query: Query = {"sort": "asc", "order_by": "created_at", "per_page": PAGE_SIZE}
        async for item in self._http.pages(Ask("GET", f"{self._path}/merge_requests/{number}/notes", query)):
            if not item.get("system"):
                yield self._as(_comment, item)

    async def create_comment(self, number: int, body: str) -> Comment:
        path = f"{self._path}/merge_requests/{number}/notes"
        ask = Ask("POST", path, body={"body": self._fitting(body)}, repeatable=False)
        return self._as(_comment, (await self._http.ask(ask)).data)

    async def update_comment(self, number: int, comment: Comment, body: str) -> Comment:
        path = f"{self._path}/merge_requests/{number}/notes/{quoted(comment.id)}"
        return self._as(_comment, (await self._http.ask(Ask("PUT", path, body={"body": self._fitting(body)}))).data)

    async def set_status(self, commit: str, status: CommitStatus) -> None:
        """Told of the newest pipeline of the commit; without one GitLab makes one. Two statuses at once may collide
        (409) and are sent again. A status that is in this state already may not be put there again."""
        state = _STATES[status.state]
        given: dict[str, Any] = {"state": state, "name": cut(status.context, 255)}
        given["description"] = cut(status.description, self.longest_description)
        if status.url:
            given["target_url"] = status.url
        if pipeline := await self._pipeline(commit):
            given["pipeline_id"] = pipeline
        try:
            await self._http.ask(Ask("POST", f"{self._path}/statuses/{quoted(commit)}", body=given, races=True))
        except ForgeRejected as error:
            if "Cannot transition status" not in str(error) or f"from :{state}" not in str(error):
                raise

    async def issues(self, label: str) -> AsyncIterator[Issue]:
        query: Query = {"state": "opened", "labels": label, "sort": "asc", "per_page": PAGE_SIZE}
        async for item in self._http.pages(Ask("GET", f"{self._path}/issues", query)):
            yield self._as(_issue, item)

    async def create_issue(self, title: str, body: str, label: str) -> Issue:
        given = {"title": cut(title, LONGEST_TITLE), "description": self._fitting(body), "labels": label}
        return self._as(
            _issue, (await self._http.ask(Ask("POST", f"{self._path}/issues", body=given, repeatable=False))).data
        )

    async def update_issue(self, issue: Issue) -> Issue:
        """An issue that is in the asked state already must not be asked to go there."""
        path = f"{self._path}/issues/{quoted(issue.id)}"
        given = {"title": cut(issue.title, LONGEST_TITLE), "description": self._fitting(issue.body)}
        now = self._as(_issue, (await self._http.ask(Ask("PUT", path, body=given))).data)
        if now.open == issue.open:
            return now
        event = {"state_event": "reopen" if issue.open else "close"}
        return self._as(_issue, (await self._http.ask(Ask("PUT", path, body=event))).data)

    def line_url(self, commit: str, path: str, line: int) -> str:
        return f"{self._place.web}/{self._place.full_name}/-/blob/{commit}/{file_path(path)}#L{line}"

    async def _head_of(self, branch: str) -> str:
        """ "" where the branch is gone, or the token may not see it."""
        try:
            found = await self._http.get(f"{self._path}/repository/branches/{quoted(branch)}")
        except (ForgeAbsent, ForgeForbidden):
            return ""
        return str(found["commit"]["id"])

    async def _pipeline(self, commit: str) -> int:
        try:
            found = await self._http.get(f"{self._path}/repository/commits/{quoted(commit)}")
        except (ForgeAbsent, ForgeForbidden):
            return 0
        return int((found.get("last_pipeline") or {}).get("id", 0))


def _pull_request(item: Mapping[str, Any], base: str) -> PullRequest:
    """A merge that went forward without a commit of its own ends in the head of its branch."""
    merged = item["state"] == "merged"
    return PullRequest(
        number=item["iid"],
        title=item["title"],
        author=item["author"]["username"],
        head=item["sha"] or "",
        base=base,
        source_branch=item["source_branch"],
        target_branch=item["target_branch"],
        url=item["web_url"],
        open=item["state"] in ("opened", "locked"),
        merged_as=(item.get("merge_commit_sha") or item.get("squash_commit_sha") or item["sha"]) if merged else "",
        foreign=item["source_project_id"] != item["target_project_id"],
    )


def _comment(item: Mapping[str, Any]) -> Comment:
    return Comment(str(item["id"]), item["author"]["username"], item["body"])


def _issue(item: Mapping[str, Any]) -> Issue:
    return Issue(
        id=str(item["iid"]),
        title=item["title"],
        body=item.get("description") or "",
        author=item["author"]["username"],
        open=item["state"] == "opened",
        url=item["web_url"],
    )
