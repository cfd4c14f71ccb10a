"""A folder as a cluster: what is read from it, what is written where, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model.live import LiveObject
from reconciler.model.native import MANAGED_BY_LABEL, OWNER_LABEL, NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.ports import Absent, Conflict, Rejected, Unreachable

ROUTE = NativeKind(KindId("mesh.example.com", "Route"), ("v1",), "routes")
POLICY = NativeKind(KindId("mesh.example.com", "Policy"), ("v1",), "policies", namespaced=False)
OTHER = NativeKind(KindId("other.example.com", "Other"), ("v1",), "others")
SERVICE = NativeKind(KindId("", "Service"), ("v1",), "services", exclusive=False)
NAMESPACE = NativeKind(KindId("", "Namespace"), ("v1",), "namespaces", namespaced=False)
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "routes.mesh.example.com"},
    "spec": {
        "group": "mesh.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Route", "plural": "routes"},
        "versions": [
            {"name": "v1alpha1", "served": True},
            {"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"type": "object"}}},
            {"name": "v0", "served": False},
        ],
    },
}


def route(name: str = "web", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "labels": {OWNER_LABEL: "main"}}
    return {"apiVersion": "mesh.example.com/v1", "kind": "Route", "metadata": meta, "spec": spec or {"timeout": "3s"}}


def key(name: str = "web", namespace: str = "shop") -> ObjectKey:
    return ObjectKey("mesh.example.com", "Route", namespace, name)


def put(path: Path, *bodies: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump_all(bodies))
    return path


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "cluster"
    folder.mkdir()
    return folder


@pytest.fixture
def cluster(root: Path) -> DirectoryCluster:
    return DirectoryCluster("dev", root)


async def read(cluster: DirectoryCluster, name: str = "web") -> LiveObject:
    found = await cluster.read(key(name), ROUTE)
    assert found is not None
    return found


async def test_what_is_applied_is_a_file_of_its_own_and_is_listed(cluster: DirectoryCluster, root: Path) -> None:
    written = await cluster.apply(route(), ROUTE, force=True)
    path = root / "shop" / "Route.mesh.example.com" / "web.yaml"
    assert files(root) == ["shop/Route.mesh.example.com/web.yaml"]
    assert yaml.safe_load(path.read_text()) == route()
    assert written.created
    listing = await cluster.list_objects([ROUTE])
    assert [(item.key, item.resource_version, item.body()) for item in listing.objects] == [
        (key(), written.resource_version, route())
    ]
    assert listing.objects[0].owner == "main"
    assert "managedFields" not in listing.objects[0].body()["metadata"]


async def test_objects_without_group_or_namespace_have_a_place(cluster: DirectoryCluster, root: Path) -> None:
    await cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, NAMESPACE, force=True)
    assert files(root) == ["_cluster/Namespace/shop.yaml"]


async def test_writing_the_same_again_touches_nothing(cluster: DirectoryCluster, root: Path) -> None:
    first = await cluster.apply(route(), ROUTE, force=True)
    path = root / files(root)[0]
    path.chmod(0o640)
    before = path.stat()
    second = await cluster.apply(route(), ROUTE, force=True)
    assert (second.resource_version, second.created) == (first.resource_version, False)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_a_change_by_hand_is_seen(cluster: DirectoryCluster, root: Path) -> None:
    before = await cluster.apply(route(), ROUTE, force=True)
    path = root / files(root)[0]
    path.write_text(path.read_text().replace("3s", "4s"))
    found = await read(cluster)
    assert found.body()["spec"] == {"timeout": "4s"}
    assert found.resource_version != before.resource_version


async def test_every_yaml_file_at_any_depth_is_read(root: Path, cluster: DirectoryCluster) -> None:
    put(root / "a.yaml", route("a"), route("b"))
    put(root / "deep" / "er" / "c.yaml", {"apiVersion": "v1", "kind": "List", "items": [route("c"), route("d")]})
    put(root / "kustomization.yaml", {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"})
    put(root / "notes.txt", "no object")
    (root / "empty.yaml").write_text("# nothing yet\n---\n")
    no_namespace = route("e")
    del no_namespace["metadata"]["namespace"]
    put(root / "e.yaml", no_namespace)
    listing = await cluster.list_objects([ROUTE])
    assert [(i.key.namespace, i.key.name) for i in listing.objects] == [
        ("default", "e"), *(("shop", name) for name in "abcd")
    ]  # fmt: skip
    assert await cluster.read(key("e", "default"), ROUTE) is not None


async def test_a_folder_that_is_not_there_yet_is_empty_and_made_by_the_first_write(tmp_path: Path) -> None:
    cluster = DirectoryCluster("dev", tmp_path / "new")
    assert (await cluster.list_objects([ROUTE])).objects == ()
    assert (await cluster.inspect([])).facts.crds is None
    await cluster.apply(route(), ROUTE, force=True)
    assert files(tmp_path) == ["new/shop/Route.mesh.example.com/web.yaml"]


async def test_a_folder_in_a_place_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no such folder") as caught:
        await DirectoryCluster("dev", tmp_path / "no" / "where").list_objects([ROUTE])
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a: [", "line 2"),
        ("a: 1\n", "document 1 is no Kubernetes object"),
        (yaml.safe_dump(route("x")) + "---\nkind: Route\n", "document 2 is no Kubernetes object"),
        ("- a\n", "document 1 is no Kubernetes object"),
    ],
)
async def test_a_broken_file_leaves_all_unread_and_nothing_is_written(
    cluster: DirectoryCluster, root: Path, content: str, reason: str
) -> None:
    await cluster.apply(route(), ROUTE, force=True)
    broken = root / "shop" / "broken.yaml"
    broken.write_text(content)
    listing = await cluster.list_objects([ROUTE, SERVICE])
    assert listing.objects == ()
    assert set(listing.unread) == {ROUTE.kind, SERVICE.kind}
    assert "shop/broken.yaml" in listing.unread[ROUTE.kind]
    assert reason in listing.unread[ROUTE.kind]
    for write in (
        cluster.inspect([]),
        cluster.apply(route(timeout="9s"), ROUTE, force=True),
        cluster.apply(route("new"), ROUTE, force=True),
        cluster.delete(key(), ROUTE, "", ""),
    ):
        with pytest.raises(Rejected, match=r"shop/broken\.yaml"):
            await write
    assert "broken.yaml" in (await cluster.predict(route(), ROUTE)).error
    assert broken.read_text() == content
    assert files(root) == ["shop/Route.mesh.example.com/web.yaml", "shop/broken.yaml"]
    broken.unlink()
    assert (await read(cluster)).body() == route()


async def test_a_broken_file_of_ours_is_not_overwritten(cluster: DirectoryCluster, root: Path) -> None:
    await cluster.apply(route(), ROUTE, force=True)
    path = root / files(root)[0]
    path.write_text("spec: {timeout: 3s\n")
    with pytest.raises(Rejected, match=r"web\.yaml: line"):
        await cluster.apply(route(), ROUTE, force=True)
    assert path.read_text() == "spec: {timeout: 3s\n"


async def test_one_object_in_two_files_is_an_error(cluster: DirectoryCluster, root: Path) -> None:
    put(root / "a.yaml", route())
    put(root / "b.yaml", route())
    assert "b.yaml: Route shop/web is in a.yaml, too" in (await cluster.list_objects([ROUTE])).unread[ROUTE.kind]


async def test_what_is_in_the_way_is_left_alone(cluster: DirectoryCluster, root: Path) -> None:
    path = put(root / "shop" / "Route.mesh.example.com" / "web.yaml", route("renamed"))
    with pytest.raises(Rejected, match=r"web\.yaml is in the way"):
        await cluster.apply(route(), ROUTE, force=True)
    assert yaml.safe_load(path.read_text()) == route("renamed")


async def test_an_object_in_a_foreign_file_of_its_own_is_written_there(cluster: DirectoryCluster, root: Path) -> None:
    put(root / "mine.yaml", route(timeout="1s"))
    await cluster.apply(route(timeout="2s"), ROUTE, force=True)
    assert files(root) == ["mine.yaml"]
    assert (await read(cluster)).body()["spec"] == {"timeout": "2s"}


async def test_files_with_several_objects_are_not_written(cluster: DirectoryCluster, root: Path) -> None:
    path = put(root / "all.yaml", route(), route("other"))
    before = path.read_bytes()
    live = await read(cluster)
    with pytest.raises(Rejected, match=r"shares all\.yaml"):
        await cluster.apply(route(timeout="2s"), ROUTE, force=True)
    with pytest.raises(Rejected, match=r"shares all\.yaml"):
        await cluster.delete(key(), ROUTE, "", live.resource_version)
    assert "shares all.yaml" in (await cluster.predict(route(), ROUTE)).error
    assert path.read_bytes() == before


async def test_the_facts_folder_is_read_and_never_written(root: Path, tmp_path: Path) -> None:
    facts = put(tmp_path / "facts" / "live.yaml", route("foreign"))
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}}
    put(tmp_path / "facts" / "services.yaml", {**service, "spec": {"ports": [{"port": 80}]}})
    cluster = DirectoryCluster("dev", root, tmp_path / "facts")
    await cluster.apply(route(), ROUTE, force=True)
    assert [i.key.name for i in (await cluster.list_objects([ROUTE])).objects] == ["foreign", "web"]
    found = (await cluster.inspect([ROUTE])).facts.service("web", "shop")
    assert found is not None
    assert found.ports[0].number == 80
    before = facts.read_bytes()
    for write in (
        cluster.apply(route("foreign", timeout="9s"), ROUTE, force=True),
        cluster.delete(key("foreign"), ROUTE, "", ""),
    ):
        with pytest.raises(Rejected, match="facts folder"):
            await write
    assert facts.read_bytes() == before
    assert files(root) == ["shop/Route.mesh.example.com/web.yaml"]


async def test_a_facts_folder_within_the_cluster_is_not_read_twice(root: Path) -> None:
    put(root / "facts" / "a.yaml", route("a"))
    cluster = DirectoryCluster("dev", root, root / "facts")
    listing = await cluster.list_objects([ROUTE])
    assert (listing.unread, [i.key.name for i in listing.objects]) == ({}, ["a"])


async def test_prediction_is_what_apply_writes(cluster: DirectoryCluster, root: Path) -> None:
    await cluster.apply(route(), ROUTE, force=True)
    predicted = await cluster.predict(route(timeout="5s"), ROUTE)
    assert (await read(cluster)).body() == route()
    assert predicted.body == (await cluster.apply(route(timeout="5s"), ROUTE, force=True)).body


async def test_an_exclusive_kind_is_replaced_but_foreign_metadata_and_status_stay(
    cluster: DirectoryCluster, root: Path
) -> None:
    live = route(timeout="1s", retries=3)
    live["metadata"] |= {
        "labels": {OWNER_LABEL: "old", MANAGED_BY_LABEL: "mesh-reconciler", "team": "shop"},
        "annotations": {"reconciler.dev/commit": "old", "note": "kept"},
        "uid": "u1",
        "resourceVersion": "7",
        "managedFields": [{"manager": "kubectl"}],
    }
    live["status"] = {"ok": True}
    put(root / "web.yaml", live)
    await cluster.apply(route(timeout="2s"), ROUTE, force=True)
    body = (await read(cluster)).body()
    assert body["spec"] == {"timeout": "2s"}
    assert body["status"] == {"ok": True}
    assert body["metadata"] == {
        "name": "web",
        "namespace": "shop",
        "uid": "u1",
        "labels": {OWNER_LABEL: "main", "team": "shop"},
        "annotations": {"note": "kept"},
    }


async def test_a_shared_kind_is_merged(cluster: DirectoryCluster, root: Path) -> None:
    meta = {"name": "web", "namespace": "shop"}
    live = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": {"a": "b"}, "ports": [1, 2]}}
    put(root / "web.yaml", live)
    ours = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**meta, "annotations": {"x": "y"}},
        "spec": {"ports": [3]},
    }
    written = await cluster.apply(ours, SERVICE, force=True)
    assert written.body["spec"] == {"selector": {"a": "b"}, "ports": [3]}
    assert written.body["metadata"] == {**meta, "annotations": {"x": "y"}}


async def test_fields_are_removed_only_from_what_was_read(cluster: DirectoryCluster) -> None:
    old = await cluster.apply(route(hosts=["a", "b", "c"], timeout="1s"), ROUTE, force=True)
    new = await cluster.apply(route(hosts=["a", "b", "c"], timeout="2s"), ROUTE, force=True)
    pointers = ["/spec/hosts/0", "/spec/hosts/2", "/spec/timeout"]
    with pytest.raises(Conflict):
        await cluster.remove_fields(key(), ROUTE, pointers, old.resource_version)
    with pytest.raises(Rejected, match="/spec/nothing"):
        await cluster.remove_fields(key(), ROUTE, ["/spec/nothing"], new.resource_version)
    assert (await read(cluster)).resource_version == new.resource_version
    written = await cluster.remove_fields(key(), ROUTE, pointers, new.resource_version)
    assert written.body["spec"] == {"hosts": ["b"]}
    assert (await read(cluster)).body()["spec"] == {"hosts": ["b"]}
    with pytest.raises(Absent):
        await cluster.remove_fields(key("gone"), ROUTE, pointers, "1")


async def test_deletion_is_guarded_and_leaves_no_empty_folder(cluster: DirectoryCluster, root: Path) -> None:
    old = await cluster.apply(route(), ROUTE, force=True)
    new = await cluster.apply(route(timeout="2s"), ROUTE, force=True)
    with pytest.raises(Conflict, match="changed by somebody"):
        await cluster.delete(key(), ROUTE, "", old.resource_version)
    with pytest.raises(Conflict, match="another object"):
        await cluster.delete(key(), ROUTE, "some-uid", new.resource_version)
    assert len(files(root)) == 1
    await cluster.delete(key(), ROUTE, "", new.resource_version)
    assert files(root) == []
    assert not (root / "shop").is_dir()
    assert await cluster.read(key(), ROUTE) is None
    await cluster.delete(key(), ROUTE, "", new.resource_version)  # gone already is no error


@pytest.mark.parametrize("name", ["../out", "..", "a/b", ".hidden", "a\0b"])
async def test_names_that_lead_out_of_the_folder_are_refused(
    cluster: DirectoryCluster, root: Path, tmp_path: Path, name: str
) -> None:
    for body in (route(name), route(namespace=name)):
        with pytest.raises(Rejected, match="cannot be part of a file's name"):
            await cluster.apply(body, ROUTE, force=True)
    assert files(tmp_path) == []


async def test_a_namespace_folder_that_is_a_link_out_is_not_written_through(
    cluster: DirectoryCluster, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    put(outside / "web.yaml", route())
    (root / "shop").symlink_to(outside)
    with pytest.raises(Rejected, match="shop: a link that leads out"):
        await cluster.apply(route("new"), ROUTE, force=True)
    assert files(outside) == ["web.yaml"]


async def test_links_out_are_told_and_links_within_are_not_read_twice(root: Path, tmp_path: Path) -> None:
    put(root / "real" / "a.yaml", route("a"))
    (root / "again").symlink_to(root / "real")
    (root / "a.yaml").symlink_to("real/a.yaml")
    cluster = DirectoryCluster("dev", root)
    assert [i.key.name for i in (await cluster.list_objects([ROUTE])).objects] == ["a"]
    put(tmp_path / "secret.yaml", route("secret"))
    (root / "b.yaml").symlink_to(tmp_path / "secret.yaml")
    assert "b.yaml: a link that leads out" in (await cluster.list_objects([ROUTE])).unread[ROUTE.kind]


async def test_kinds_are_absent_only_where_the_folder_says_what_is_served(
    cluster: DirectoryCluster, root: Path
) -> None:
    assert (await cluster.list_objects([ROUTE, OTHER])).absent == frozenset()
    put(root / "crds.yaml", CRD)
    listing = await cluster.list_objects([ROUTE, OTHER, SERVICE])
    assert listing.absent == {OTHER.kind}
    assert listing.schemas == {(ROUTE.kind, "v1"): {"type": "object"}}
    crds = (await cluster.inspect([])).facts.crds
    assert crds is not None
    assert crds[ROUTE.kind].versions == ("v1", "v1alpha1")


async def test_an_object_that_no_server_would_hold_is_told(cluster: DirectoryCluster, root: Path) -> None:
    meta = {"name": "web", "namespace": "shop"}
    put(root / "s.yaml", {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{}]}})
    with pytest.raises(Rejected, match="Service shop/web is malformed"):
        await cluster.inspect([])


async def test_a_write_that_cannot_be_finished_leaves_the_old_file(
    cluster: DirectoryCluster, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cluster.apply(route(), ROUTE, force=True)
    path = root / files(root)[0]

    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Exception, match="No space left"):
        await cluster.apply(route(timeout="2s"), ROUTE, force=True)
    monkeypatch.undo()
    assert files(root) == ["shop/Route.mesh.example.com/web.yaml"]
    assert (await read(cluster)).body() == route()
