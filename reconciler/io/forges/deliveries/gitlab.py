"""Deliveries of GitLab (docs.gitlab.com/user/project/integrations/webhook_events). It has no ping: its "Test" sends a
real event."""

from __future__ import annotations

from typing import Any

from reconciler.io.forges.deliveries.headers import BRANCH, Headers, commit, number, text
from reconciler.model.forges import Delivery, Told

_ACTIONS = frozenset({"open", "reopen", "close", "merge"})


def read(headers: Headers, data: Any) -> tuple[Delivery, ...]:
    """``Idempotency-Key`` stays the same when GitLab sends a delivery again; older versions have none."""
    id_ = headers.get("webhook-id", "Idempotency-Key", "X-Gitlab-Event-UUID")
    repository = str((data.get("project") or {}).get("path_with_namespace", ""))
    kind = data["object_kind"]
    if kind == "push" and data["ref"].startswith(BRANCH):
        branch = data["ref"].removeprefix(BRANCH)
        return (Delivery(id_, Told.PUSH, repository, branch, commit(data["after"])),)
    if kind == "merge_request" and _matters(data):
        return (_merge_request(id_, repository, data["object_attributes"]),)
    return (Delivery(id_, Told.OTHER, repository),)


def _matters(data: Any) -> bool:
    """An update matters when commits were pushed (``oldrev``), or when it goes to another branch or is no draft now."""
    attributes = data["object_attributes"]
    changes = data.get("changes") or {}
    updated = "oldrev" in attributes or "target_branch" in changes or "draft" in changes
    return attributes.get("action") in _ACTIONS or (attributes.get("action") == "update" and updated)


def _merge_request(id_: str, repository: str, item: Any) -> Delivery:
    return Delivery(
        id=id_,
        told=Told.PULL_REQUEST,
        repository=repository,
        branch=text(item["target_branch"]),
        head=commit((item.get("last_commit") or {}).get("id")),
        number=number(item["iid"]),
        open=item["state"] in ("opened", "locked"),
    )
