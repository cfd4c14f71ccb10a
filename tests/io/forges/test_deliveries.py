"""What forges tell of their own accord: who is believed, and what is read of it."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.io.forges import Kind, deliveries
from reconciler.model.forges import Delivery, Told
from reconciler.ports.forge import DeliveryRefused
from tests.io.forges import payloads
from tests.io.forges.payloads import GITHUB, NEW, NOTHING

SECRET = "what only we know"


def signature(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(kind: Kind, event: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers that a forge of this kind sends."""
    made = signature(body, secret)
    return {
        Kind.GITHUB: {"X-GitHub-Event": event, "X-GitHub-Delivery": "id-1", "X-Hub-Signature-256": f"sha256={made}"},
        Kind.GITEA: {"X-Gitea-Event": event, "X-Gitea-Delivery": "id-1", "X-Gitea-Signature": made},
        Kind.GITLAB: {"X-Gitlab-Event": event, "Idempotency-Key": "id-1", "X-Gitlab-Token": secret},
        Kind.BITBUCKET_CLOUD: {"X-Event-Key": event, "X-Request-UUID": "id-1", "X-Hub-Signature": f"sha256={made}"},
        Kind.BITBUCKET_DATA_CENTER: {"X-Event-Key": event, "X-Request-Id": "id-1", "X-Hub-Signature": f"sha256={made}"},
    }[kind]


def told(kind: Kind, event: str, data: Any) -> tuple[Delivery, ...]:
    body = json.dumps(data).encode()
    return deliveries.parse(kind, signed(kind, event, body), body, [SECRET])


def github_branch(**more: Any) -> dict[str, Any]:
    return {**GITHUB["push"], "ref": "refs/heads/release/1", "after": NEW, **more}


G, L, T = Kind.GITHUB, Kind.GITLAB, Kind.GITEA
C, D = Kind.BITBUCKET_CLOUD, Kind.BITBUCKET_DATA_CENTER
CLOUD_PUSH = payloads.cloud_push(payloads.cloud_change("main", NEW))
CENTER_PUSH = payloads.center_push(payloads.center_change("refs/heads/main", NEW))
PUSHES = [
    (G, "push", github_branch(), "Codertocat/Hello-World", "release/1", NEW),
    (G, "push", github_branch(after=NOTHING, deleted=True), "Codertocat/Hello-World", "release/1", ""),
    (L, "Push Hook", payloads.gitlab_push(), "mike/diaspora", "main", NEW),
    (L, "Push Hook", payloads.gitlab_push(after=NOTHING), "mike/diaspora", "main", ""),
    (T, "push", payloads.gitea_push(), "gitea/webhooks", "develop", NEW),
    (C, "repo:push", CLOUD_PUSH, "octo/shop", "main", NEW),
    (C, "repo:push", payloads.cloud_push(payloads.cloud_change("main", "")), "octo/shop", "main", ""),
    (D, "repo:refs_changed", CENTER_PUSH, "PROJ/repository", "main", NEW),
]


@pytest.mark.parametrize(("kind", "event", "data", "repository", "branch", "head"), PUSHES)
def test_a_push(kind: Kind, event: str, data: Any, repository: str, branch: str, head: str) -> None:
    assert told(kind, event, data) == (Delivery("id-1", Told.PUSH, repository, branch, head),)


def test_a_push_of_several_branches_is_told_of_each() -> None:
    changes = [payloads.cloud_change("a", NEW), payloads.cloud_change("v1", NEW, "tag"), payloads.cloud_change("b", "")]
    found = told(C, "repo:push", payloads.cloud_push(*changes))
    assert [(each.branch, each.head) for each in found] == [("a", NEW), ("b", "")]
    refs = [("refs/heads/a", NEW), ("refs/tags/v1", NEW), ("refs/heads/b", NOTHING)]
    found = told(D, "repo:refs_changed", payloads.center_push(*(payloads.center_change(*each) for each in refs)))
    assert [(each.branch, each.head) for each in found] == [("a", NEW), ("b", "")]


def edited(**changes: Any) -> dict[str, Any]:
    return {**GITHUB["pull_request.opened"], "action": "edited", "changes": changes}


def center(event: str, state: str = "OPEN") -> tuple[Kind, str, Any, int, bool]:
    return D, event, payloads.center_pull_request(event, state), 1, state == "OPEN" and event != "pr:deleted"


def gitlab(action: str, state: str = "opened", **more: Any) -> tuple[Kind, str, Any, int, bool]:
    return L, "Merge Request Hook", payloads.gitlab_merge_request(action, state, **more), 16, state == "opened"


def cloud(event: str, state: str = "OPEN") -> tuple[Kind, str, Any, int, bool]:
    return C, f"pullrequest:{event}", payloads.cloud_pull_request(state), 42, state == "OPEN"


PULL_REQUESTS = [
    (G, "pull_request", GITHUB["pull_request.opened"], 2, True),
    (G, "pull_request", GITHUB["pull_request.synchronize"], 2, True),
    (G, "pull_request", GITHUB["pull_request.reopened"], 2, True),
    (G, "pull_request", GITHUB["pull_request.closed"], 2, False),
    (G, "pull_request", edited(base={"ref": {"from": "main"}}), 2, True),
    gitlab("open"),
    gitlab("update", oldrev=NOTHING),
    gitlab("update", changes={"target_branch": {"previous": "a", "current": "main"}}),
    gitlab("reopen"),
    gitlab("close", "closed"),
    gitlab("merge", "merged"),
    (T, "pull_request", payloads.gitea_pull_request("opened"), 7, True),
    (T, "pull_request", payloads.gitea_pull_request("synchronized"), 7, True),
    (T, "pull_request", payloads.gitea_pull_request("reopened"), 7, True),
    (T, "pull_request", payloads.gitea_pull_request("closed", "closed"), 7, False),
    cloud("created"),
    cloud("updated"),
    cloud("fulfilled", "MERGED"),
    cloud("rejected", "DECLINED"),
    center("pr:opened"),
    center("pr:from_ref_updated"),
    center("pr:reopened"),
    center("pr:merged", "MERGED"),
    center("pr:declined", "DECLINED"),
    center("pr:deleted"),
]


@pytest.mark.parametrize(("kind", "event", "data", "number", "is_open"), PULL_REQUESTS)
def test_a_pull_request(kind: Kind, event: str, data: Any, number: int, is_open: bool) -> None:
    [found] = told(kind, event, data)
    assert (found.id, found.told, found.number, found.open) == ("id-1", Told.PULL_REQUEST, number, is_open)
    assert found.branch in ("main", "master")
    assert found.repository in (
        "Codertocat/Hello-World",
        "gitlabhq/gitlab-test",
        "gitea/webhooks",
        "octo/shop",
        "PROJ/repository",
    )
    # Bitbucket Cloud abbreviates, and half a hash is none
    assert len(found.head) == (0 if kind is C else 40)


OTHERS = [
    (G, "push", GITHUB["push"]),  # of a tag
    (G, "pull_request", GITHUB["pull_request.labeled"]),
    (G, "pull_request", edited(title={"from": "x"})),
    (G, "star", {"action": "created", "repository": {"full_name": "a/b"}}),
    (L, "Merge Request Hook", payloads.gitlab_merge_request("update", changes={"labels": {}})),
    (L, "Merge Request Hook", payloads.gitlab_merge_request("approved")),
    (L, "Tag Push Hook", {**payloads.gitlab_push("refs/tags/v1"), "object_kind": "tag_push"}),
    (T, "pull_request", payloads.gitea_pull_request("label_updated")),
    (T, "push", payloads.gitea_push("refs/tags/v1")),
    (C, "repo:push", payloads.cloud_push(payloads.cloud_change("v1", NEW, "tag"))),
    (C, "pullrequest:comment_created", payloads.cloud_pull_request()),
    (D, "repo:refs_changed", payloads.center_push(payloads.center_change("refs/tags/v1", NEW))),
    (D, "pr:comment:added", payloads.center_pull_request("pr:comment:added")),
]


@pytest.mark.parametrize(("kind", "event", "data"), OTHERS)
def test_what_is_nothing_to_us(kind: Kind, event: str, data: Any) -> None:
    [found] = told(kind, event, data)
    assert (found.told, found.branch, found.head, found.number) == (Told.OTHER, "", "", 0)


def test_a_ping() -> None:
    assert told(G, "ping", GITHUB["ping"]) == (Delivery("id-1", Told.PING, "Octocoders/Hello-World"),)
    headers = {"X-Event-Key": "diagnostics:ping", "X-Request-Id": "id-2"}  # is not signed
    assert deliveries.parse(D, headers, b'{"test": true}', []) == (Delivery("id-2", Told.PING),)


def test_a_delivery_as_a_form() -> None:
    body = urlencode({"payload": json.dumps(github_branch())}).encode()
    headers = {**signed(G, "push", body), "content-type": "application/x-www-form-urlencoded"}
    assert deliveries.parse(G, headers, body, [SECRET])[0].branch == "release/1"


def test_forgejo_has_headers_of_its_own_name() -> None:
    body = json.dumps(payloads.gitea_push()).encode()
    headers = {"x-forgejo-event": "push", "x-forgejo-delivery": "id-3", "x-forgejo-signature": signature(body)}
    assert deliveries.parse(T, headers, body, [SECRET]) == (
        Delivery("id-3", Told.PUSH, "gitea/webhooks", "develop", NEW),
    )


@pytest.mark.parametrize(("secret", "key"), [("plain words", b"plain words"), ("whsec_AQID", b"\x01\x02\x03")])
def test_gitlab_may_sign_as_standard_webhooks_are(secret: str, key: bytes) -> None:
    body = json.dumps(payloads.gitlab_push()).encode()
    made = base64.b64encode(hmac.new(key, b"id-4.1700000000." + body, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "id-4", "webhook-timestamp": "1700000000", "webhook-signature": f"v1,bm8= v1,{made}"}
    assert deliveries.parse(L, headers, body, ["other", secret])[0].id == "id-4"
    for changed in ({"webhook-timestamp": "1700000001"}, {"webhook-id": "id-5"}, {"webhook-signature": "v1,bm8="}):
        assert refused(L, {**headers, **changed}, body, [secret]) == 401
    # a signature that is wrong is not made good by a plain secret that is not there
    assert refused(L, {**headers, "webhook-signature": "v1,bm8=", "X-Gitlab-Token": ""}, body, [secret]) == 401


def refused(kind: Kind, headers: Mapping[str, str], body: bytes, secrets: list[str]) -> int:
    with pytest.raises(DeliveryRefused) as error:
        deliveries.parse(kind, headers, body, secrets)
    assert SECRET not in str(error.value)
    return error.value.status


SAMPLES: dict[Kind, tuple[str, Any]] = {
    G: ("push", github_branch()),
    L: ("Push Hook", payloads.gitlab_push()),
    T: ("push", payloads.gitea_push()),
    C: ("repo:push", CLOUD_PUSH),
    D: ("repo:refs_changed", CENTER_PUSH),
}


@pytest.mark.parametrize("kind", Kind)
def test_who_does_not_know_the_secret_is_refused(kind: Kind) -> None:
    event, data = SAMPLES[kind]
    body = json.dumps(data).encode()
    headers = signed(kind, event, body)
    unsigned = {name: value for name, value in headers.items() if "Signature" not in name and "Token" not in name}
    assert refused(kind, signed(kind, event, body, "a guess"), body, [SECRET]) == 401
    assert refused(kind, unsigned, body, [SECRET]) == 401
    assert refused(kind, {**headers, **{name: "é" for name in headers if name not in unsigned}}, body, [SECRET]) == 401
    broken = {**headers, **{name: "\udce9" for name in headers if name not in unsigned}}
    assert refused(kind, broken, body, [SECRET]) == 401
    assert refused(kind, headers, body, []) == 401
    assert refused(kind, signed(kind, event, body, ""), body, [""]) == 401
    if kind is not L:  # whose secret says nothing of the body
        assert refused(kind, headers, body.replace(b"main", b"evil") + b" ", [SECRET]) == 401


@pytest.mark.parametrize("kind", Kind)
def test_secrets_can_be_exchanged_one_after_the_other(kind: Kind) -> None:
    event, data = SAMPLES[kind]
    body = json.dumps(data).encode()
    for secret in ("old", "new"):
        assert deliveries.parse(kind, signed(kind, event, body, secret), body, ["new", "old"])[0].told is Told.PUSH


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("body", [b"", b"not JSON", b"[]", b"{}", b'"text"', b'{"ref": 1, "object_kind": "push"}'])
def test_what_is_no_delivery_is_refused(kind: Kind, body: bytes) -> None:
    event = SAMPLES[kind][0]
    assert refused(kind, signed(kind, event, body), body, [SECRET]) == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", Kind)
@given(data=st.data())
def test_whatever_is_signed_is_read_or_refused(kind: Kind, data: st.DataObject) -> None:
    """Of a right delivery, something anywhere is something else."""
    event, sample = data.draw(st.sampled_from([(e, d) for k, e, d, *_rest in [*PUSHES, *PULL_REQUESTS] if k is kind]))
    changed = copy.deepcopy(sample)
    at = changed
    for _step in range(data.draw(st.integers(0, 3))):
        inner = [key for key, value in at.items() if isinstance(value, dict)]
        at = at[data.draw(st.sampled_from(inner))] if inner else at
    at[data.draw(st.sampled_from(sorted(at) or ["x"]))] = data.draw(JSON)
    body = json.dumps(changed).encode()
    status, found = 0, tuple[Delivery, ...]()
    try:
        found = deliveries.parse(kind, signed(kind, event, body), body, [SECRET])
    except DeliveryRefused as error:
        status = error.status
    assert status in (0, 400)
    assert all(type(one.number) is int and isinstance(one.branch + one.head, str) for one in found)


def test_a_delivery_without_end_is_refused_before_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "LARGEST", 10)
    assert refused(G, {}, b"x" * 11, [SECRET]) == 413
