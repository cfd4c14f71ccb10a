"""Deliveries of Bitbucket Cloud (support.atlassian.com, "Event payloads") and Data Center (confluence.atlassian.com,
"Event payload"). A push tells of several branches at once; what it tells of tags is nothing to us."""

from __future__ import annotations

from typing import Any

from reconciler.io.forges.deliveries.headers import BRANCH, Headers, commit, number, text
from reconciler.model.forges import Delivery, Told

CENTER_PING = "diagnostics:ping"
_CLOUD = frozenset(f"pullrequest:{event}" for event in ("created", "updated", "fulfilled", "rejected"))
_CENTER_EVENTS = (
    "opened",
    "reopened",
    "from_ref_updated",
    "to_ref_updated",
    "modified",
    "merged",
    "declined",
    "deleted",
)
_CENTER = frozenset(f"pr:{event}" for event in _CENTER_EVENTS)


def read_cloud(headers: Headers, data: Any) -> tuple[Delivery, ...]:
    """It has no ping. Pull requests name commits by twelve digits, which is no hash to rely on."""
    event, id_ = headers.get("X-Event-Key"), headers.get("X-Request-UUID")
    repository = str(data["repository"]["full_name"])
    if event == "repo:push":
        moved = [_cloud_branch(change) for change in data["push"]["changes"]]
        return _pushes(id_, repository, [each for each in moved if each])
    if event not in _CLOUD:
        return (Delivery(id_, Told.OTHER, repository),)
    item = data["pullrequest"]
    head = commit((item["source"].get("commit") or {}).get("hash"))
    branch, is_open = text(item["destination"]["branch"]["name"]), item["state"] == "OPEN"
    return (Delivery(id_, Told.PULL_REQUEST, repository, branch, head, number(item["id"]), is_open),)


def read_center(headers: Headers, data: Any) -> tuple[Delivery, ...]:
    event, id_ = headers.get("X-Event-Key"), headers.get("X-Request-Id")
    if event == "repo:refs_changed":
        refs = [(change["ref"]["id"], change["toHash"]) for change in data["changes"]]
        moved = [(ref.removeprefix(BRANCH), commit(head)) for ref, head in refs if ref.startswith(BRANCH)]
        return _pushes(id_, _center_name(data["repository"]), moved)
    if event not in _CENTER:
        repository = _center_name(data["repository"]) if "repository" in data else ""
        return (Delivery(id_, Told.OTHER, repository),)
    item = data["pullRequest"]
    target = item["toRef"]
    return (
        Delivery(
            id=id_,
            told=Told.PULL_REQUEST,
            repository=_center_name(target["repository"]),
            branch=target["id"].removeprefix(BRANCH),
            head=commit(item["fromRef"]["latestCommit"]),
            number=number(item["id"]),
            open=item["state"] == "OPEN" and event != "pr:deleted",
        ),
    )


def _pushes(id_: str, repository: str, moved: list[tuple[str, str]]) -> tuple[Delivery, ...]:
    told = tuple(Delivery(id_, Told.PUSH, repository, branch, head) for branch, head in moved)
    return told or (Delivery(id_, Told.OTHER, repository),)


def _cloud_branch(change: Any) -> tuple[str, str] | None:
    """A branch and its new head; a branch that was removed has only an old state."""
    now, before = change.get("new"), change.get("old")
    named = now or before
    if not named or named["type"] not in ("branch", "named_branch"):
        return None
    return text(named["name"]), commit(now["target"]["hash"]) if now else ""


def _center_name(repository: Any) -> str:
    return f"{repository['project']['key']}/{repository['slug']}"
