"""The shapes that GitHub gave to accounts, comments and issues, and that Gitea took over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.forges import Comment, Issue


def login(item: Mapping[str, Any]) -> str:
    """Whose it is; an account that was deleted is nobody."""
    return str((item.get("user") or {}).get("login", ""))


def comment(item: Mapping[str, Any]) -> Comment:
    return Comment(str(item["id"]), login(item), item.get("body") or "")


def issue(item: Mapping[str, Any]) -> Issue:
    return Issue(
        id=str(item["number"]),
        title=item["title"],
        body=item.get("body") or "",
        author=login(item),
        open=item["state"] == "open",
        url=item["html_url"],
    )
