"""Deliveries as forges publish them.

GitHub: descriptions/github-deliveries.json, from npm ``@octokit/webhooks-examples``. The others in the fields that
their pages show, cut to those that tell something:

* GitLab: docs.gitlab.com/user/project/integrations/webhook_events ("Push events", "Merge request events");
* Gitea: docs.gitea.com/usage/webhooks ("Event information"), its modules/structs/hook.go for pull requests;
* Bitbucket Cloud: support.atlassian.com/bitbucket-cloud/docs/event-payloads ("Push", "Created");
* Bitbucket Data Center: confluence.atlassian.com/bitbucketserver/event-payload-938025882.html ("Push", "Opened").
"""

from __future__ import annotations

import json
from typing import Any

from tests.io.forges.described import FOLDER

OLD, NEW = "95790bf891e76fee5e1747ab589903a6a1f80f22", "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"
NOTHING = "0" * 40
GITHUB: dict[str, Any] = json.loads((FOLDER / "github-deliveries.json").read_text())["examples"]


def gitlab_push(ref: str = "refs/heads/main", after: str = NEW) -> dict[str, Any]:
    return {
        "object_kind": "push",
        "event_name": "push",
        "before": OLD,
        "after": after,
        "ref": ref,
        "ref_protected": True,
        "checkout_sha": after,
        "user_id": 4,
        "user_username": "jsmith",
        "project_id": 15,
        "project": {"id": 15, "name": "Diaspora", "path_with_namespace": "mike/diaspora", "default_branch": "main"},
        "commits": [{"id": after, "message": "Update it", "added": [], "modified": ["a.yaml"], "removed": []}],
        "total_commits_count": 1,
    }


def gitlab_merge_request(action: str, state: str = "opened", **more: Any) -> dict[str, Any]:
    changes = more.pop("changes", {})
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": {"id": 1, "username": "root"},
        "project": {"id": 1, "path_with_namespace": "gitlabhq/gitlab-test"},
        "object_attributes": {
            "id": 99,
            "iid": 16,
            "target_branch": "main",
            "source_branch": "ms-viewport",
            "source_project_id": 14,
            "target_project_id": 14,
            "title": "MS-Viewport",
            "state": state,
            "last_commit": {"id": NEW, "message": "fixed readme"},
            "action": action,
            **more,
        },
        "labels": [],
        "changes": changes,
    }


def gitea_push(ref: str = "refs/heads/develop", after: str = NEW) -> dict[str, Any]:
    return {
        "ref": ref,
        "before": OLD,
        "after": after,
        "compare_url": "http://localhost:3000/gitea/webhooks/compare/a...b",
        "commits": [{"id": after, "message": "Webhooks Yay!"}],
        "repository": {"id": 140, "name": "webhooks", "full_name": "gitea/webhooks", "default_branch": "main"},
        "pusher": {"id": 1, "login": "gitea"},
        "sender": {"id": 1, "login": "gitea"},
    }


def gitea_pull_request(action: str, state: str = "open", **more: Any) -> dict[str, Any]:
    return {
        "action": action,
        "number": 7,
        "pull_request": {
            "id": 1,
            "number": 7,
            "state": state,
            "merged": False,
            "head": {"ref": "canary", "sha": NEW, "repo_id": 140},
            "base": {"ref": "main", "sha": OLD, "repo_id": 140},
        },
        "repository": {"id": 140, "name": "webhooks", "full_name": "gitea/webhooks"},
        "sender": {"id": 1, "login": "gitea"},
        **more,
    }


def cloud_change(name: str, head: str, kind: str = "branch") -> dict[str, Any]:
    state = {"type": kind, "name": name, "target": {"type": "commit", "hash": head or OLD}}
    return {"new": state if head else None, "old": {**state}, "created": False, "closed": not head, "forced": False}


def cloud_push(*changes: dict[str, Any]) -> dict[str, Any]:
    repository = {"type": "repository", "full_name": "octo/shop", "uuid": "{b}"}
    return {"actor": {"type": "user"}, "repository": repository, "push": {"changes": list(changes)}}


def cloud_pull_request(state: str = "OPEN") -> dict[str, Any]:
    end = {"repository": {"full_name": "octo/shop"}}
    item = {
        "type": "pullrequest",
        "id": 42,
        "title": "Title of pull request",
        "state": state,
        "source": {**end, "branch": {"name": "branch2"}, "commit": {"hash": "d3022fc0ca3d"}},
        "destination": {**end, "branch": {"name": "main"}, "commit": {"hash": "ce5965ddd289"}},
    }
    return {"actor": {"type": "user"}, "pullrequest": item, "repository": {"full_name": "octo/shop"}}


CENTER_REPOSITORY = {"slug": "repository", "id": 84, "name": "repository", "project": {"key": "PROJ", "id": 84}}


def center_change(ref: str, head: str, kind: str = "UPDATE") -> dict[str, Any]:
    named = {"id": ref, "displayId": ref.rpartition("/")[2], "type": "BRANCH"}
    return {"ref": named, "refId": ref, "fromHash": OLD, "toHash": head, "type": kind}


def center_push(*changes: dict[str, Any]) -> dict[str, Any]:
    told = {"eventKey": "repo:refs_changed", "date": "2017-09-19T09:45:32+1000", "actor": {"name": "admin"}}
    return {**told, "repository": CENTER_REPOSITORY, "changes": list(changes)}


def center_pull_request(event: str, state: str = "OPEN") -> dict[str, Any]:
    item = {
        "id": 1,
        "version": 0,
        "title": "a new file added",
        "state": state,
        "open": state == "OPEN",
        "fromRef": {"id": "refs/heads/a-branch", "latestCommit": NEW, "repository": CENTER_REPOSITORY},
        "toRef": {"id": "refs/heads/main", "latestCommit": OLD, "repository": CENTER_REPOSITORY},
    }
    return {"eventKey": event, "actor": {"name": "admin"}, "pullRequest": item}
