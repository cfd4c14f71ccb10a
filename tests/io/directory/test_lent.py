"""Keys of ours on an object of others in a folder: in its file, or in one of their own over the facts folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.model.native import KEYS_ANNOTATION, MANAGED_BY_LABEL, OWNER_LABEL, NativeKind
from reconciler.model.refs import KindId, ObjectKey
from reconciler.ports import Absent

SERVICE = NativeKind(KindId("", "Service"), ("v1",), "services", exclusive=False)
KEY = ObjectKey("", "Service", "shop", "b")
THEIRS: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "b",
        "namespace": "shop",
        "labels": {MANAGED_BY_LABEL: "Helm"},
        "annotations": {"theirs": "1"},
    },
    "spec": {"ports": [{"port": 80}]},
}
HEAD = {"apiVersion": "v1", "kind": "Service"}
BARE: dict[str, Any] = {**HEAD, "metadata": {"name": "b", "namespace": "shop"}}


def keys(version: str, **annotations: str) -> dict[str, Any]:
    said = ",".join(f"annotations/{key}" for key in sorted(annotations))
    marks = {OWNER_LABEL: "main", KEYS_ANNOTATION: said}
    metadata = {**BARE["metadata"], "resourceVersion": version, "annotations": {**annotations, **marks}}
    return {**HEAD, "metadata": metadata}


@pytest.fixture(params=["in the cluster", "in the facts folder"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> DirectoryCluster:
    facts = tmp_path / "facts"
    (tmp_path / "out").mkdir()
    home = facts if request.param == "in the facts folder" else tmp_path / "out"
    (home / "shop").mkdir(parents=True)
    (home / "shop/b.yaml").write_text(yaml.safe_dump(THEIRS))
    return DirectoryCluster("dev", tmp_path / "out", facts if home == facts else None)


async def lives(cluster: DirectoryCluster) -> Any:
    found = await cluster.read(KEY, SERVICE)
    assert found is not None
    return found


async def test_keys_come_change_and_go_and_nothing_else_does(cluster: DirectoryCluster) -> None:
    first = await cluster.apply(keys((await lives(cluster)).resource_version, a="1", b="2"), SERVICE, force=True)
    assert not first.created
    body = (await lives(cluster)).body()
    assert (body["spec"], body["metadata"]["labels"]) == (THEIRS["spec"], {MANAGED_BY_LABEL: "Helm"})
    assert {"theirs": "1", "a": "1", "b": "2"}.items() <= body["metadata"]["annotations"].items()
    assert (await lives(cluster)).resource_version == first.resource_version
    await cluster.apply(keys(first.resource_version, b="3"), SERVICE, force=True)
    held = (await lives(cluster)).body()["metadata"]["annotations"]
    assert ("a" in held, held["b"]) == (False, "3")
    bare = {**HEAD, "metadata": {**BARE["metadata"], "resourceVersion": (await lives(cluster)).resource_version}}
    await cluster.apply(bare, SERVICE, force=True)
    assert (await lives(cluster)).body() == THEIRS


async def test_keys_over_the_facts_folder_do_not_hide_what_somebody_put_in(tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "facts/b.yaml").write_text(yaml.safe_dump(THEIRS))
    cluster = DirectoryCluster("dev", tmp_path / "out", tmp_path / "facts")
    version = (await lives(cluster)).resource_version
    other = {**THEIRS, "metadata": {**THEIRS["metadata"], "name": "new"}}
    (tmp_path / "out/theirs.yaml").write_text(yaml.safe_dump(other))
    await cluster.apply(keys(version, a="1"), SERVICE, force=True)
    found = await cluster.read(ObjectKey("", "Service", "shop", "new"), SERVICE)
    assert found is not None


async def test_what_the_owner_changes_meanwhile_is_seen_and_stays(tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    facts.mkdir()
    (tmp_path / "out").mkdir()
    (facts / "b.yaml").write_text(yaml.safe_dump(THEIRS))
    cluster = DirectoryCluster("dev", tmp_path / "out", facts)
    await cluster.apply(keys((await lives(cluster)).resource_version, a="1"), SERVICE, force=True)
    (file,) = list((tmp_path / "out").rglob("*.yaml"))
    assert "spec" not in yaml.safe_load(file.read_text())
    (facts / "b.yaml").write_text(yaml.safe_dump({**THEIRS, "spec": {"ports": [{"port": 81}]}}))
    body = (await lives(cluster)).body()
    assert (body["spec"]["ports"], body["metadata"]["annotations"]["a"]) == ([{"port": 81}], "1")
    listed = await cluster.list_objects([SERVICE])
    assert ([found.key for found in listed.objects], listed.unread) == ([KEY], {})


async def test_a_service_that_its_owner_deleted_is_no_fact_any_more_and_its_keys_can_still_go(tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    facts.mkdir()
    (tmp_path / "out").mkdir()
    (facts / "b.yaml").write_text(yaml.safe_dump(THEIRS))
    cluster = DirectoryCluster("dev", tmp_path / "out", facts)
    await cluster.apply(keys((await lives(cluster)).resource_version, a="1"), SERVICE, force=True)
    (facts / "b.yaml").unlink()
    assert (await cluster.inspect([])).facts.services == ()
    version = (await lives(cluster)).resource_version
    await cluster.apply({**HEAD, "metadata": {**BARE["metadata"], "resourceVersion": version}}, SERVICE, force=True)
    assert list((tmp_path / "out").rglob("*.yaml")) == []


async def test_nothing_is_created_where_there_is_no_such_object(cluster: DirectoryCluster) -> None:
    other = {**keys("1", a="1"), "metadata": {**keys("1", a="1")["metadata"], "name": "c"}}
    with pytest.raises(Absent):
        await cluster.apply(other, SERVICE, force=True)
