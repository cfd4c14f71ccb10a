"""What the account may do, asked of a real server, and of one that does not tell."""

from __future__ import annotations

import json

import pytest

from reconciler.io.kube.rights import AT_ONCE
from reconciler.model.rights import Right
from reconciler.ports import Forbidden, Unreachable
from tests.io.kube.conftest import Open
from tests.io.kube.objects import WIDGET, put, widget, widget_path
from tests.io.kube.test_transport import stubbed
from tests.kube.control_plane import ApiServer
from tests.kube.polling import until
from tests.kube.stub import Answer, Asked, StubServer

RBAC = "/apis/rbac.authorization.k8s.io/v1"
LIST = Right("", "pods", "list")


async def test_nothing_is_missing_for_the_admin_and_all_for_a_stranger(kube: ApiServer, open_with: Open) -> None:
    rights = [Right("apps", "deployments", "patch"), LIST, Right("", "services", "create", "default")]
    assert await open_with(kube.kubeconfig).missing_rights(rights) == ()
    assert await open_with(kube.user_kubeconfig("alice")).missing_rights(rights) == tuple(rights)


async def test_a_right_in_one_namespace_is_none_in_another_or_everywhere(
    kube: ApiServer, open_with: Open, fresh_namespace: str
) -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    place = f"{RBAC}/namespaces/{fresh_namespace}"
    assert kube.request("POST", f"{place}/roles", {"metadata": {"name": "r"}, "rules": rules})[0] == 201
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"}
    binding = {"metadata": {"name": "b"}, "roleRef": reference, "subjects": [subject]}
    assert kube.request("POST", f"{place}/rolebindings", binding)[0] == 201
    bob = open_with(kube.user_kubeconfig("bob"))
    here, there = Right("", "pods", "list", fresh_namespace), Right("", "pods", "list", "default")
    missing = await until(lambda: bob.missing_rights([LIST, here, there]), lambda found: here not in found)
    assert missing == (LIST, there)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_server_that_does_not_tell_is_taken_to_grant(stub: StubServer, open_with: Open, status: int) -> None:
    stub.answer = lambda _asked: Answer.failure(status, "not for you")
    assert await open_with(stubbed(stub)).missing_rights([LIST]) == ()


async def test_an_account_that_nobody_knows_is_refused(stub: StubServer, open_with: Open) -> None:
    stub.answer = lambda _asked: Answer.failure(401, "Unauthorized")
    with pytest.raises(Forbidden, match="Unauthorized"):
        await open_with(stubbed(stub)).missing_rights([LIST])


async def test_a_review_whose_answer_is_lost_is_asked_again_once(
    stub: StubServer, kube: ApiServer, open_with: Open
) -> None:
    stub.queue.append(Answer.failure(503, "busy"))
    assert await open_with(stubbed(stub, kube)).missing_rights([LIST]) == ()
    assert [asked.method for asked in stub.requests] == ["POST", "POST"]
    stub.queue.extend([Answer.failure(503, "busy")] * 2)
    with pytest.raises(Exception, match="busy"):
        await open_with(stubbed(stub, kube)).missing_rights([LIST])


async def test_what_is_no_review_is_no_yes(stub: StubServer, open_with: Open) -> None:
    stub.answer = lambda _asked: Answer.json({"status": {}})
    with pytest.raises(Unreachable, match="does not answer like a Kubernetes API server"):
        await open_with(stubbed(stub)).missing_rights([LIST])


async def test_answers_are_matched_to_what_was_asked_however_many(stub: StubServer, open_with: Open) -> None:
    def odd_only(asked: Asked) -> Answer:
        resource = json.loads(asked.body)["spec"]["resourceAttributes"]["resource"]
        return Answer.json({"status": {"allowed": int(resource) % 2 == 1}})

    stub.answer = odd_only
    rights = [Right("g", str(number), "list") for number in range(5 * AT_ONCE)]
    missing = await open_with(stubbed(stub)).missing_rights(rights)
    assert missing == tuple(rights[::2])


@pytest.mark.usefixtures("widgets")
async def test_a_dry_run_that_may_not_be_asked_for_predicts_nothing(
    kube: ApiServer, open_with: Open, fresh_namespace: str
) -> None:
    put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w", size=1))
    alice = open_with(kube.user_kubeconfig("alice"))
    predicted = await alice.predict(widget(fresh_namespace, "w", size=2), WIDGET)
    assert (predicted.body, predicted.error) == (None, "")


async def test_a_webhook_that_forbids_is_a_refusal(stub: StubServer, open_with: Open) -> None:
    said = 'admission webhook "w.example.com" denied the request: User "x" cannot have this resource'
    stub.answer = lambda _asked: Answer.failure(403, said, "Forbidden")
    predicted = await open_with(stubbed(stub)).predict(widget("shop", "w", size=2), WIDGET)
    assert predicted.error == said
