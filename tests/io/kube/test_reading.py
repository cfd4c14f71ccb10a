"""Lists, inspection and single reads against a real API server."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconciler.io.kube import lists
from reconciler.io.kube.cluster import KubeCluster
from reconciler.io.kube.kinds import CRD
from reconciler.model.native import Beside, NativeKind
from reconciler.model.refs import KindId
from reconciler.ports import Forbidden, Unreachable
from tests.io.kube.conftest import Open
from tests.io.kube.objects import (
    CONFIG_MAP,
    DEPLOYMENT,
    GADGET,
    NOWHERE,
    SERVICE,
    WIDGET,
    deployment,
    put,
    service,
    widget,
    widget_key,
    widget_path,
)
from tests.kube.control_plane import ApiServer
from tests.kube.crds import PATH
from tests.kube.crds import widgets as widget_crd
from tests.kube.polling import until
from tests.kube.stub import Answer, Asked, StubServer

pytestmark = pytest.mark.usefixtures("widgets")


async def test_a_list_is_read_in_pages_and_every_object_is_whole(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        put(kube, widget_path(fresh_namespace), widget(fresh_namespace, f"w{number}"))
    put(kube, f"/api/v1/namespaces/{fresh_namespace}/services", service(fresh_namespace, "web"))
    monkeypatch.setattr(lists, "PAGE", 2)

    listing = await cluster.list_objects([WIDGET, SERVICE])

    mine = [item for item in listing.objects if item.key.namespace == fresh_namespace]
    assert [item.key.name for item in mine] == ["web", *(f"w{number}" for number in range(7))]
    assert listing.unread == {}
    assert listing.absent == frozenset()
    web = mine[0].body()
    assert (web["apiVersion"], web["kind"], web["spec"]["selector"]) == ("v1", "Service", {"app": "web"})
    assert mine[0].labels == {"app": "web"}
    body = mine[1].body()
    assert body["spec"] == {"size": 1, "color": "red"}
    assert body["metadata"]["managedFields"][0]["manager"] == "somebody"
    assert (mine[1].uid, mine[1].resource_version) == (body["metadata"]["uid"], body["metadata"]["resourceVersion"])


async def test_kinds_that_are_not_served_are_absent(cluster: KubeCluster) -> None:
    listing = await cluster.list_objects([WIDGET, GADGET, NOWHERE])
    assert listing.absent == {GADGET.kind, NOWHERE.kind}
    assert listing.unread == {}


async def test_another_served_version_is_read_where_the_preferred_one_is_not(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w"))
    newer = NativeKind(WIDGET.kind, ("v9", "v1beta1"), "widgets")
    listing = await cluster.list_objects([newer])
    found = next(item for item in listing.objects if item.key == widget_key(fresh_namespace, "w"))
    assert found.body()["apiVersion"] == "test.example.com/v1beta1"


async def test_schemas_are_the_clusters_own_and_follow_its_changes(cluster: KubeCluster, kube: ApiServer) -> None:
    schemas = (await cluster.list_objects([WIDGET, SERVICE])).schemas
    assert await cluster.schemas([WIDGET, SERVICE]) == schemas
    assert set(schemas) == {(WIDGET.kind, "v1"), (WIDGET.kind, "v1beta1")}
    assert schemas[WIDGET.kind, "v1"]["properties"]["spec"]["properties"]["color"]["default"] == "red"

    name = f"changes-{id(schemas)}.test.example.com"
    body = widget_crd()
    plural = name.partition(".")[0]
    body["metadata"]["name"] = name
    body["spec"]["names"] = {"plural": plural, "singular": plural, "kind": "Changing", "listKind": "ChangingList"}
    body["spec"]["versions"] = [body["spec"]["versions"][1]]
    changing = NativeKind(KindId("test.example.com", "Changing"), ("v1",), plural)
    try:
        put(kube, PATH, body)
        first = await until(lambda: cluster.list_objects([changing]), lambda found: not found.absent)
        assert "extra" not in first.schemas[changing.kind, "v1"]["properties"]
        body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["extra"] = {"type": "string"}
        put(kube, PATH, body)
        second = await cluster.list_objects([changing])
        assert "extra" in second.schemas[changing.kind, "v1"]["properties"]
    finally:
        kube.request("DELETE", f"{PATH}/{name}")


async def test_a_kind_is_read_by_the_version_that_is_served_now(open_with: Open, kube: ApiServer) -> None:
    """Over a connection that stays, what was known to be served is given up with the definition that said so."""
    cluster = open_with(kube.kubeconfig)
    cluster.stay()
    body = widget_crd()
    plural = f"moves-{id(body)}"
    body["metadata"]["name"] = f"{plural}.test.example.com"
    body["spec"]["names"] = {"plural": plural, "singular": plural, "kind": "Moving", "listKind": "MovingList"}
    moving = NativeKind(KindId("test.example.com", "Moving"), ("v1", "v1beta1"), plural)
    path = f"/apis/test.example.com/v1/namespaces/default/{plural}"
    item = {**widget("default", "w"), "kind": "Moving"}
    try:
        put(kube, PATH, body)
        await until(lambda: cluster.list_objects([moving]), lambda found: not found.absent)
        put(kube, path, item)
        first = await cluster.list_objects([moving])
        assert [found.body()["apiVersion"] for found in first.objects] == ["test.example.com/v1"]
        next(one for one in body["spec"]["versions"] if one["name"] == "v1")["served"] = False
        put(kube, PATH, body)
        second = await until(
            lambda: cluster.list_objects([moving]),
            lambda found: [one.body()["apiVersion"] for one in found.objects] == ["test.example.com/v1beta1"],
        )
        assert not second.absent
    finally:
        kube.request("DELETE", f"{PATH}/{body['metadata']['name']}")


async def test_definitions_are_shown_without_their_schemas(cluster: KubeCluster, kube: ApiServer) -> None:
    body = widget_crd()
    name = body["metadata"]["name"]
    said = {"example.com/release": "v1.2.3", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    patch = {"metadata": {"annotations": said}}
    kube.request("PATCH", f"{PATH}/{name}", patch, "application/merge-patch+json")
    found = {item["metadata"]["name"]: item for item in (await cluster.inspect([CRD])).objects}
    assert found[name]["metadata"]["annotations"]["example.com/release"] == "v1.2.3"
    assert set(found[name]["metadata"]["annotations"]) & set(said) == {"example.com/release"}
    assert "spec" not in found[name]
    assert list((await cluster.inspect([])).objects) == []


async def test_a_kind_we_may_not_list_is_unread_in_the_servers_words(
    kube: ApiServer, fresh_namespace: str, open_with: Open
) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"services-{fresh_namespace}"},
        "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"services-{fresh_namespace}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role["metadata"]["name"]},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"}],
    }
    put(kube, "/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
    put(kube, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    bob = open_with(kube.user_kubeconfig("bob"))
    # the API server learns of a role a little later
    listing = await until(lambda: bob.list_objects([WIDGET, SERVICE]), lambda found: SERVICE.kind not in found.unread)
    assert list(listing.unread) == [WIDGET.kind]
    assert 'User "bob" cannot list resource "widgets"' in listing.unread[WIDGET.kind]
    assert any(item.key.kind == "Service" for item in listing.objects)
    assert listing.schemas == {}


async def test_inspection_without_the_right_to_look_is_an_error(kube: ApiServer, open_with: Open) -> None:
    with pytest.raises(Forbidden, match='User "alice" cannot list resource'):
        await open_with(kube.user_kubeconfig("alice")).inspect([])


async def test_what_is_looked_at_beside_others_is_read_in_their_namespaces_only(
    kube: ApiServer, cluster: KubeCluster, fresh_namespace: str
) -> None:
    spaces = [fresh_namespace, f"{fresh_namespace}-b", f"{fresh_namespace}-c"]
    try:
        for space in spaces[1:]:
            assert kube.request("POST", "/api/v1/namespaces", {"metadata": {"name": space}})[0] == 201
        for space in spaces:
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"of-{space}", "namespace": space}}
            put(kube, f"/api/v1/namespaces/{space}/configmaps", body)
        near = replace(CONFIG_MAP, beside=(Beside(DEPLOYMENT.kind, "app", f"plane-{fresh_namespace}"),))
        assert await _config_maps(cluster, near) == set()
        for space in spaces[:2]:
            _plane(kube, space, f"plane-{fresh_namespace}")
            seen = await _config_maps(cluster, near)
        assert seen == {f"of-{space}" for space in spaces[:2]}
    finally:
        for space in spaces[1:]:
            kube.request("DELETE", f"/api/v1/namespaces/{space}")


async def _config_maps(cluster: KubeCluster, kind: NativeKind) -> set[str]:
    found = (await cluster.inspect([DEPLOYMENT, kind])).objects
    return {one["metadata"]["name"] for one in found if one["kind"] == "ConfigMap"}


def _plane(kube: ApiServer, namespace: str, label: str) -> None:
    body = deployment(namespace, "plane")
    body["metadata"]["labels"] = {"app": label}
    put(kube, f"/apis/apps/v1/namespaces/{namespace}/deployments", body)


async def test_inspection_finds_namespaces_services_workloads_and_kinds(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str
) -> None:
    core, apps = f"/api/v1/namespaces/{fresh_namespace}", f"/apis/apps/v1/namespaces/{fresh_namespace}"
    put(kube, f"{core}/services", service(fresh_namespace, "web"))
    put(kube, f"{core}/services", service(fresh_namespace, "peers", clusterIP="None"))
    put(kube, f"{apps}/deployments", deployment(fresh_namespace, "web"))
    lone = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lone", "labels": {"app": "lone"}},
        "spec": {"containers": [{"name": "c", "image": "none"}]},
    }
    put(kube, f"{core}/pods", lone)
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "1", "controller": True}
    owned = {**lone, "metadata": {"name": "owned", "ownerReferences": [owner]}}
    put(kube, f"{core}/pods", owned)

    inspection = await cluster.inspect([DEPLOYMENT, NOWHERE])

    facts = inspection.facts
    assert facts.cluster == "one"
    assert facts.version == "v1.20.2"
    assert facts.namespaces[fresh_namespace]["test"] == fresh_namespace
    web = facts.service("web", fresh_namespace)
    peers = facts.service("peers", fresh_namespace)
    assert web is not None
    assert peers is not None
    assert (web.ref.cluster, web.selector, web.headless) == ("one", {"app": "web"}, False)
    assert (web.ports[0].number, web.ports[0].name, web.ports[0].target) == (80, "http", "web")
    assert peers.headless
    mine = {work.name: work for work in facts.workloads if work.namespace == fresh_namespace}
    assert set(mine) == {"web", "lone"}
    assert (mine["web"].kind, mine["web"].service_account) == ("Deployment", "web-sa")
    assert mine["web"].container_ports == {"web": 8080}
    assert (mine["lone"].kind, mine["lone"].labels) == ("Pod", {"app": "lone"})
    assert facts.crds is not None
    crd = facts.crds[WIDGET.kind]
    assert (crd.versions, crd.plural, crd.namespaced) == (("v1", "v1beta1"), "widgets", True)
    names = [body["metadata"]["name"] for body in inspection.objects if body["kind"] == "Deployment"]
    assert "web" in names
    assert {body["kind"] for body in inspection.objects} == {"Deployment"}


async def test_one_object_is_read_as_it_is_now(cluster: KubeCluster, kube: ApiServer, fresh_namespace: str) -> None:
    assert await cluster.read(widget_key(fresh_namespace, "w"), WIDGET) is None
    made = put(kube, widget_path(fresh_namespace), widget(fresh_namespace, "w", size=3))
    found = await cluster.read(widget_key(fresh_namespace, "w"), WIDGET)
    assert found is not None
    assert found.body()["spec"]["size"] == 3
    assert found.resource_version == made["metadata"]["resourceVersion"]
    assert await cluster.read(widget_key(fresh_namespace, "w"), GADGET) is None


async def test_a_list_that_expires_while_paging_is_begun_anew(
    kube: ApiServer, fresh_namespace: str, open_with: Open, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        put(kube, widget_path(fresh_namespace), widget(fresh_namespace, f"w{number}"))
    monkeypatch.setattr(lists, "PAGE", 2)
    stub.upstream = kube
    expired = 0

    def expire(asked: Asked) -> Answer | None:
        nonlocal expired
        if "/widgets?" in asked.path and "continue=" in asked.path:
            expired += 1
            return Answer.failure(410, "The provided continue parameter is too old", "Expired")
        return None

    stub.answer = expire
    config = kube.config({"token": kube.token("admin")}, server=stub.url)
    listing = await open_with(config).list_objects([WIDGET])
    assert expired == lists.RESTARTS
    assert sum(item.key.namespace == fresh_namespace for item in listing.objects) == 5
    assert len({item.key for item in listing.objects}) == len(listing.objects)


async def test_garbage_in_a_list_leaves_the_kind_unread(kube: ApiServer, open_with: Open, stub: StubServer) -> None:
    stub.upstream = kube
    login = Answer(200, b"<html><title>Sign in</title><body>hello</body></html>", {"Content-Type": "text/html"})
    stub.answer = lambda asked: login if "/widgets?" in asked.path else None
    config = kube.config({"token": kube.token("admin")}, server=stub.url)
    listing = await open_with(config).list_objects([WIDGET, SERVICE])
    assert "Sign in" in listing.unread[WIDGET.kind]
    assert any(item.key.kind == "Service" for item in listing.objects)


async def test_a_proxys_404_is_not_taken_for_absence(kube: ApiServer, open_with: Open, stub: StubServer) -> None:
    stub.answer = lambda _: Answer(404, b"<html><title>404 Not Found</title></html>", {"Content-Type": "text/html"})
    config = kube.config({"token": kube.token("admin")}, server=stub.url)
    with pytest.raises(Unreachable, match="not from a Kubernetes API server"):
        await open_with(config).read(widget_key("default", "w"), WIDGET)


async def test_raw_objects_are_valid_json_of_their_own(cluster: KubeCluster) -> None:
    listing = await cluster.list_objects([NativeKind(KindId("", "Namespace"), ("v1",), "namespaces", namespaced=False)])
    for item in listing.objects:
        assert json.loads(item.raw)["kind"] == "Namespace"
        assert item.key.namespace == ""
