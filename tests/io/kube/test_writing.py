"""Apply, dry run, removal and deletion on a real API server: what counts is what the server holds afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.io.kube.cluster import KubeCluster
from reconciler.model.native import FIELD_MANAGER, NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.ports import Absent, Conflict, Forbidden, Rejected
from tests.io.kube.conftest import Open
from tests.io.kube.objects import (
    CONFIG_MAP,
    DEPLOYMENT,
    GADGET,
    SERVICE,
    WIDGET,
    deployment,
    live,
    put,
    service,
    widget,
    widget_key,
    widget_path,
)
from tests.kube.control_plane import ApiServer
from tests.kube.webhook import MutatingWebhook

pytestmark = pytest.mark.usefixtures("widgets")
NAMESPACE = NativeKind(KindId("", "Namespace"), ("v1",), "namespaces", namespaced=False, exclusive=False, lent=True)


async def test_apply_creates_then_updates_as_our_manager(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    first = await cluster.apply(widget(fresh_namespace, "w", size=1), WIDGET, force=False)
    second = await cluster.apply(widget(fresh_namespace, "w", size=2), WIDGET, force=True)
    assert (first.created, second.created) == (True, False)
    held = live(kube, fresh_namespace, "w")
    assert held is not None
    assert held["spec"] == {"size": 2, "color": "red"}
    entries = [(entry["manager"], entry["operation"]) for entry in held["metadata"].pop("managedFields")]
    assert entries == [(FIELD_MANAGER, "Apply")]
    assert second.body == held
    assert second.resource_version == held["metadata"]["resourceVersion"]


async def test_a_field_that_another_manager_owns_is_a_conflict_unless_forced(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w", size=3), manager="alpha")
    with pytest.raises(Conflict, match=r'conflict with "alpha".*\.spec\.size') as caught:
        await cluster.apply(widget(fresh_namespace, "w", size=4), WIDGET, force=False)
    assert caught.value.status == 409
    assert not caught.value.retryable
    held = live(kube, fresh_namespace, "w")
    assert held is not None
    assert held["spec"]["size"] == 3
    forced = await cluster.apply(widget(fresh_namespace, "w", size=4), WIDGET, force=True)
    assert forced.body["spec"]["size"] == 4


async def test_fields_of_other_managers_stay(cluster: KubeCluster, kube: ApiServer, fresh_namespace: str) -> None:
    put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w", size=3, note="theirs"), manager="alpha")
    written = await cluster.apply(widget(fresh_namespace, "w", size=4), WIDGET, force=True)
    assert written.body["spec"] == {"size": 4, "color": "red", "note": "theirs"}


async def test_prediction_shows_defaults_and_writes_nothing(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    predicted = await cluster.predict(widget(fresh_namespace, "w", size=5), WIDGET)
    assert predicted.body is not None
    assert predicted.body["spec"] == {"size": 5, "color": "red"}
    assert "managedFields" not in predicted.body["metadata"]
    assert live(kube, fresh_namespace, "w") is None
    put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w", size=3), manager="alpha")
    predicted = await cluster.predict(widget(fresh_namespace, "w", size=5), WIDGET)
    assert predicted.body is not None
    assert predicted.body["spec"]["size"] == 5
    held = live(kube, fresh_namespace, "w")
    assert held is not None
    assert held["spec"]["size"] == 3


async def test_prediction_shows_what_a_webhook_does(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str, mutating_webhook: type[MutatingWebhook]
) -> None:
    def add_note(body: dict[str, Any]) -> None:
        body["spec"]["note"] = "by the webhook"

    rule = {
        "apiGroups": ["test.example.com"],
        "apiVersions": ["*"],
        "resources": ["widgets"],
        "operations": ["CREATE", "UPDATE"],
    }
    mutating_webhook(kube, fresh_namespace, [rule], add_note)
    predicted = await cluster.predict(widget(fresh_namespace, "w", size=5), WIDGET)
    assert predicted.body is not None
    assert predicted.body["spec"]["note"] == "by the webhook"
    assert live(kube, fresh_namespace, "w") is None
    written = await cluster.apply(widget(fresh_namespace, "w", size=5), WIDGET, force=True)
    assert written.body["spec"] == predicted.body["spec"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"size": 300}, "should be less than or equal to 100"),
        ({"size": 1, "color": "pink"}, "Unsupported value"),
        ({"size": "x"}, r"\.spec\.size: expected numeric"),
        ({"size": 1, "bogus": 1}, r"\.spec\.bogus: field not declared in schema"),
        ({"size": 1, "ports": [{"name": "a"}, {"name": "a"}]}, "duplicate entries for key"),
    ],
)
async def test_refusals_are_told_in_the_servers_words(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str, spec: dict[str, Any], words: str
) -> None:
    body = widget(fresh_namespace, "w", **spec)
    with pytest.raises(Rejected, match=words) as caught:
        await cluster.apply(body, WIDGET, force=True)
    assert (caught.value.retryable, caught.value.immutable) == (False, False)
    predicted = await cluster.predict(body, WIDGET)
    assert (predicted.body, predicted.error) == (None, str(caught.value))
    assert (predicted.retryable, predicted.immutable) == (False, False)
    assert live(kube, fresh_namespace, "w") is None


async def test_immutable_fields_are_recognised(cluster: KubeCluster, kube: ApiServer, fresh_namespace: str) -> None:
    services = f"/api/v1/namespaces/{fresh_namespace}/services"
    address = put(kube, services, service(fresh_namespace, "web"))["spec"]["clusterIP"]
    put(kube, f"/apis/apps/v1/namespaces/{fresh_namespace}/deployments", deployment(fresh_namespace, "web"))
    other = f"10.0.{200 if address.split('.')[2] != '200' else 201}.77"
    for body, kind in (
        (service(fresh_namespace, "web", clusterIP=other), SERVICE),
        (deployment(fresh_namespace, "web", app="other"), DEPLOYMENT),
    ):
        predicted = await cluster.predict(body, kind)
        assert predicted.body is None
        assert predicted.immutable, predicted.error
        with pytest.raises(Rejected) as caught:
            await cluster.apply(body, kind, force=True)
        assert caught.value.immutable


async def test_the_word_immutable_in_a_value_does_not_make_a_field_so(
    cluster: KubeCluster, fresh_namespace: str
) -> None:
    predicted = await cluster.predict(widget(fresh_namespace, "w", size=1, color="immutable"), WIDGET)
    assert '"immutable"' in predicted.error
    assert not predicted.immutable


async def test_a_missing_namespace_or_kind_is_absent(cluster: KubeCluster, fresh_namespace: str) -> None:
    with pytest.raises(Absent, match='namespaces "nowhere-at-all" not found'):
        await cluster.apply(widget("nowhere-at-all", "w", size=1), WIDGET, force=True)
    gadget = widget(fresh_namespace, "g", size=1) | {"kind": "Gadget"}
    with pytest.raises(Absent):
        await cluster.apply(gadget, GADGET, force=True)
    predicted = await cluster.predict(gadget, GADGET)
    assert predicted.body is None
    assert not predicted.retryable


async def test_writing_without_the_right_to_is_forbidden(
    kube: ApiServer, fresh_namespace: str, open_with: Open
) -> None:
    alice = open_with(kube.user_kubeconfig("alice"))
    with pytest.raises(Forbidden, match='User "alice" cannot patch resource "widgets"') as caught:
        await alice.apply(widget(fresh_namespace, "w", size=1), WIDGET, force=True)
    assert caught.value.status == 403
    assert live(kube, fresh_namespace, "w") is None


@pytest.mark.parametrize("name", ["..", "a/b", "a%2fb"])
async def test_names_that_would_change_the_path_are_refused(
    cluster: KubeCluster, fresh_namespace: str, name: str
) -> None:
    with pytest.raises(Rejected, match="is not a name"):
        await cluster.apply(widget(fresh_namespace, name, size=1), WIDGET, force=True)


async def test_foreign_fields_are_removed_only_from_the_object_that_was_read(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    spec: dict[str, Any] = {"size": 1, "note": "x", "hosts": ["a", "b", "c"]}
    old = put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w", **spec))["metadata"]["resourceVersion"]
    new = put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w", **spec | {"size": 2}))
    rv = new["metadata"]["resourceVersion"]
    key, pointers = widget_key(fresh_namespace, "w"), ["/spec/hosts/0", "/spec/note", "/spec/hosts/2"]
    with pytest.raises(Conflict):
        await cluster.remove_fields(key, WIDGET, pointers, old)
    held = live(kube, fresh_namespace, "w")
    assert held is not None
    assert held["metadata"]["resourceVersion"] == rv
    written = await cluster.remove_fields(key, WIDGET, pointers, rv)
    assert written.body["spec"] == {"size": 2, "color": "red", "hosts": ["b"]}
    held = live(kube, fresh_namespace, "w")
    assert held is not None
    assert held["spec"] == written.body["spec"]


async def test_a_field_that_went_away_with_a_change_is_a_conflict_else_a_refusal(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    path, key = widget_path(fresh_namespace), widget_key(fresh_namespace, "w")
    old = put(kube, path, widget(fresh_namespace, "w", size=1, note="x"))["metadata"]["resourceVersion"]
    new = put(kube, path, widget(fresh_namespace, "w", size=1))["metadata"]["resourceVersion"]
    with pytest.raises(Conflict, match="changed by somebody"):
        await cluster.remove_fields(key, WIDGET, ["/spec/note"], old)
    with pytest.raises(Rejected):
        await cluster.remove_fields(key, WIDGET, ["/spec/note"], new)
    with pytest.raises(Absent):
        await cluster.remove_fields(widget_key(fresh_namespace, "none"), WIDGET, ["/spec/note"], new)


async def test_deletion_keeps_what_is_not_what_was_read(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    path, key = widget_path(fresh_namespace), widget_key(fresh_namespace, "w")
    old = put(kube, path, widget(fresh_namespace, "w", size=1))["metadata"]
    new = put(kube, path, widget(fresh_namespace, "w", size=2))["metadata"]
    with pytest.raises(Conflict):
        await cluster.delete(key, WIDGET, new["uid"], old["resourceVersion"])
    with pytest.raises(Conflict):
        await cluster.delete(key, WIDGET, "00000000-0000-0000-0000-000000000000", new["resourceVersion"])
    assert live(kube, fresh_namespace, "w") is not None
    await cluster.delete(key, WIDGET, new["uid"], new["resourceVersion"])
    assert live(kube, fresh_namespace, "w") is None
    await cluster.delete(key, WIDGET, new["uid"], new["resourceVersion"])  # gone already is no error
    await cluster.delete(widget_key("no-such-namespace", "w"), WIDGET, "", "")
    await cluster.delete(ObjectKey("test.example.com", "Gadget", fresh_namespace, "g"), GADGET, "", "")


async def test_core_kinds_are_written_too(cluster: KubeCluster, kube: ApiServer, fresh_namespace: str) -> None:
    meta = {"name": "c", "namespace": fresh_namespace}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}}
    written = await cluster.apply(body, CONFIG_MAP, force=True)
    assert written.created
    assert kube.request("GET", f"/api/v1/namespaces/{fresh_namespace}/configmaps/c")[1]["data"] == {"a": "1"}


def _keys(namespace: str, name: str, version: str = "", **annotations: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= {"resourceVersion": version} if version else {}
    metadata |= {"annotations": annotations} if annotations else {}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata}


async def test_keys_on_somebody_elses_service_come_and_go_alone(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    theirs = service(fresh_namespace, "b")
    theirs["metadata"]["annotations"] = {"theirs": "1", "both": "x"}
    path = f"/api/v1/namespaces/{fresh_namespace}/services"
    status, before = kube.request("POST", f"{path}?fieldManager=helm", theirs)
    assert status == 201
    version = str(before["metadata"]["resourceVersion"])
    body = _keys(fresh_namespace, "b", version, ours="1", both="x")
    body["metadata"]["uid"] = before["metadata"]["uid"]
    written = await cluster.apply(body, SERVICE, force=True)
    assert written.body["metadata"]["annotations"] == {"theirs": "1", "both": "x", "ours": "1"}
    await cluster.apply(_keys(fresh_namespace, "b", written.resource_version), SERVICE, force=True)
    after = kube.request("GET", f"{path}/b")[1]
    assert (after["spec"], after["metadata"]["annotations"]) == (before["spec"], {"theirs": "1", "both": "x"})
    assert FIELD_MANAGER not in [entry["manager"] for entry in after["metadata"]["managedFields"]]


@pytest.mark.parametrize("kind", [SERVICE, NAMESPACE], ids=["Service", "Namespace"])
async def test_keys_for_an_object_that_is_gone_create_nothing(
    cluster: KubeCluster, fresh_namespace: str, kind: NativeKind
) -> None:
    """That it had a version is not enough for a server of a kind that needs no more than a name."""
    body = _keys(fresh_namespace if kind.namespaced else "", f"{fresh_namespace}-gone", "405", ours="1")
    key = ObjectKey("", kind.kind.kind, body["metadata"].get("namespace", ""), body["metadata"]["name"])
    body["metadata"]["uid"] = "0a1b2c3d-0000-0000-0000-000000000000"
    with pytest.raises((Conflict, Absent, Rejected)):
        await cluster.apply({**body, "kind": kind.kind.kind}, kind, force=True)
    assert await cluster.read(key, kind) is None
