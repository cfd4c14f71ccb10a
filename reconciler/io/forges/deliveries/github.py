"""Deliveries of GitHub (docs.github.com/webhooks, "Webhook events and payloads"), and of Gitea and Forgejo, which took
over their shapes."""

from __future__ import annotations

from typing import Any

from reconciler.io.forges.deliveries.headers import BRANCH, Headers, commit, number, text
from reconciler.model.forges import Delivery, Told

#: What happens to a pull request that a report of it depends on. Gitea says "synchronized" where GitHub says
#: "synchronize".
_ACTIONS = frozenset({"opened", "reopened", "synchronize", "synchronized", "ready_for_review", "closed"})


def read(headers: Headers, data: Any) -> tuple[Delivery, ...]:
    event = headers.get("X-GitHub-Event", "X-Forgejo-Event", "X-Gitea-Event")
    id_ = headers.get("X-GitHub-Delivery", "X-Forgejo-Delivery", "X-Gitea-Delivery")
    repository = str((data.get("repository") or {}).get("full_name", ""))
    if event == "ping":
        return (Delivery(id_, Told.PING, repository),)
    if event == "push" and data["ref"].startswith(BRANCH):
        branch = data["ref"].removeprefix(BRANCH)
        return (Delivery(id_, Told.PUSH, repository, branch, commit(data["after"])),)
    if event == "pull_request" and _matters(data):
        return (_pull_request(id_, repository, data["pull_request"]),)
    return (Delivery(id_, Told.OTHER, repository),)


def _matters(data: Any) -> bool:
    """One that was edited matters when it goes to another branch now."""
    edited = data["action"] == "edited" and "base" in (data.get("changes") or {})
    return data["action"] in _ACTIONS or edited


def _pull_request(id_: str, repository: str, item: Any) -> Delivery:
    return Delivery(
        id=id_,
        told=Told.PULL_REQUEST,
        repository=repository,
        branch=text(item["base"]["ref"]),
        head=commit(item["head"]["sha"]),
        number=number(item["number"]),
        open=item["state"] == "open",
    )
