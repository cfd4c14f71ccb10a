"""What a folder holds is known without looking through it for each object, and what others do meanwhile is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from reconciler.io.directory import tree
from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.ports import Conflict, Rejected
from tests.io.directory.test_cluster import ROUTE, files, key, put, route


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cluster"


@pytest.fixture
async def cluster(root: Path) -> DirectoryCluster:
    """Of two objects, listed."""
    for name in ("a", "b"):
        put(root / "shop/routes" / f"{name}.yaml", route(name))
    made = DirectoryCluster("eu", root)
    await made.list_objects([ROUTE])
    return made


async def test_a_folder_is_looked_through_once_for_many_objects(cluster: DirectoryCluster) -> None:
    with patch.object(tree, "walk", wraps=tree.walk) as walk:
        for number in range(30):
            body = route(f"new-{number}", namespace=f"ns-{number % 3}")
            assert (await cluster.predict(body, ROUTE)).body is not None
            await cluster.apply(body, ROUTE, force=False)
            await cluster.apply(route(f"new-{number}", namespace=f"ns-{number % 3}", timeout="9s"), ROUTE, force=True)
        for number in range(30):
            await cluster.delete(key(f"new-{number}", f"ns-{number % 3}"), ROUTE, "", "")
    assert walk.call_count == 0
    listing = await cluster.list_objects([ROUTE])
    assert [one.key.name for one in listing.objects] == ["a", "b"]


@pytest.mark.parametrize("place", ["shop/routes/theirs.yaml", "shop/elsewhere/theirs.yaml", "theirs.yaml"])
@pytest.mark.parametrize("own", [True, False], ids=["after our own write", "at once"])
async def test_what_somebody_puts_there_meanwhile_is_not_made_twice(
    cluster: DirectoryCluster, root: Path, place: str, own: bool
) -> None:
    if own:
        await cluster.apply(route("c"), ROUTE, force=False)
    put(root / place, route("new", timeout="7s"))
    with pytest.raises(Conflict):
        await cluster.apply(route("new"), ROUTE, force=False)
    await cluster.apply(route("new"), ROUTE, force=True)
    assert [name for name in files(root) if "new" in name] == []


@pytest.mark.parametrize("way", ["changed", "deleted"])
@pytest.mark.parametrize("place", ["shop/routes/theirs.yaml", "shop/theirs.yaml", "theirs.yaml"])
async def test_our_own_change_does_not_hide_what_somebody_put_beside_it_before(
    cluster: DirectoryCluster, root: Path, place: str, way: str
) -> None:
    put(root / place, route("new", timeout="7s"))
    if way == "changed":
        await cluster.apply(route("a", timeout="9s"), ROUTE, force=True)
    else:
        await cluster.delete(key("a"), ROUTE, "", "")
    with pytest.raises(Conflict):
        await cluster.apply(route("new"), ROUTE, force=False)


async def test_a_file_replaced_by_one_with_more_in_it_is_seen(cluster: DirectoryCluster, root: Path) -> None:
    put(root / "fresh", route("a"), route("new")).rename(root / "shop/routes/a.yaml")
    with pytest.raises(Rejected, match="shares"):
        await cluster.apply(route("new"), ROUTE, force=True)


async def test_a_folder_that_somebody_removes_is_made_again(cluster: DirectoryCluster, root: Path) -> None:
    await cluster.apply(route("c", namespace="other"), ROUTE, force=False)
    for path in [*sorted((root / "other").rglob("*"), reverse=True), root / "other"]:
        path.rmdir() if path.is_dir() else path.unlink()
    made: Any = await cluster.apply(route("c", namespace="other"), ROUTE, force=False)
    assert made.created
    assert [name for name in files(root) if name.startswith("other/")] != []
