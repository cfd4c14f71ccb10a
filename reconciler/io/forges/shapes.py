"""Accounts, comments and issues as GitHub has shaped them and asks for them, which Gitea took over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.io.forges.http import Ask
from reconciler.io.forges.place import quoted
from reconciler.io.forges.repository import LONGEST_TITLE, Repository, cut
from reconciler.model.forges import Comment, Issue


def login(item: Mapping[str, Any]) -> str:
    """Whose it is; an account that was deleted is nobody."""
    return str((item.get("user") or {}).get("login", ""))


def comment_of(item: Mapping[str, Any]) -> Comment:
    return Comment(str(item["id"]), login(item), item.get("body") or "")


def issue_of(item: Mapping[str, Any]) -> Issue:
    return Issue(
        id=str(item["number"]),
        title=item["title"],
        body=item.get("body") or "",
        author=login(item),
        open=item["state"] == "open",
        url=item["html_url"],
    )


class Tracked(Repository):
    """A repository whose pull requests are commented on like issues. ``_path``: of the repository in the API."""

    _path: str

    async def create_comment(self, number: int, body: str) -> Comment:
        path = f"{self._path}/issues/{number}/comments"
        ask = Ask("POST", path, body={"body": self._fitting(body)}, repeatable=False)
        return self._as(comment_of, (await self._http.ask(ask)).data)

    async def update_issue(self, issue: Issue) -> Issue:
        body = {
            "title": cut(issue.title, LONGEST_TITLE),
            "body": self._fitting(issue.body),
            "state": "open" if issue.open else "closed",
        }
        ask = Ask("PATCH", f"{self._path}/issues/{quoted(issue.id)}", body=body)
        return self._as(issue_of, (await self._http.ask(ask)).data)
