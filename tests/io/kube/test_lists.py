"""Lists of a connection that stays: followed by a watch, and read anew whenever that can be trusted no longer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from operator import le
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.kube import kubeconfig, lists, pages, watch
from reconciler.io.kube.access import Access
from reconciler.io.kube.lists import Lists, Snapshot
from reconciler.io.kube.transport import Transport
from reconciler.model.clusters import ClusterLimits, KubeconfigConnection
from tests.io.kube.objects import put, widget, widget_path
from tests.kube.control_plane import ApiServer
from tests.kube.faults import FaultProxy
from tests.kube.polling import until
from tests.kube.stub import Answer, Asked, StubServer

pytestmark = pytest.mark.usefixtures("widgets")
Follow = Callable[[dict[str, Any]], Lists]


@pytest.fixture
async def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Follow]:
    """Call it with a kubeconfig: lists that are followed from the first item on."""
    monkeypatch.setattr(lists, "WATCHED_FROM", 1)
    opened: list[tuple[Lists, Transport]] = []

    def made(config: dict[str, Any]) -> Lists:
        path = tmp_path / f"followed-{len(opened)}"
        path.write_text(json.dumps(config))

        async def load() -> Access:
            return await kubeconfig.load(KubeconfigConnection(str(path)))

        transport = Transport(load, ClusterLimits())
        opened.append((Lists(transport), transport))
        opened[-1][0].stay()
        return opened[-1][0]

    yield made
    for followed, transport in opened:
        await followed.close()
        await transport.close()


def admin(server: ApiServer, url: str = "") -> dict[str, Any]:
    return server.config({"token": server.token("admin")}, server=url)


def size_of(item: pages.Item) -> tuple[str, int]:
    return item.metadata.name, json.loads(item.raw)["spec"]["size"]


class Widgets:
    """Those of one namespace: ``w0`` to ``w2`` of size 1."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server, self.namespace, self.path = server, namespace, widget_path(namespace)
        for number in range(3):
            self.put(f"w{number}", 1)

    def put(self, name: str, size: int) -> str:
        made = put(self.server, self.path, widget(self.namespace, name, size=size))
        return str(made["metadata"]["resourceVersion"])

    def delete(self, name: str) -> None:
        assert self.server.request("DELETE", f"{self.path}/{name}")[0] == 200

    def read(self, followed: Lists) -> Callable[[], Any]:
        async def sizes() -> dict[str, int]:
            return dict((await followed.read(self.path, size_of)).items)

        return sizes


@pytest.fixture
def some(kube: ApiServer, fresh_namespace: str) -> Widgets:
    return Widgets(kube, fresh_namespace)


async def test_a_list_stays_the_same_until_something_changes(kube: ApiServer, some: Widgets, follow: Follow) -> None:
    followed = follow(admin(kube))
    first: Snapshot[Any] = await followed.read(some.path, size_of)
    assert first.items == (("w0", 1), ("w1", 1), ("w2", 1))
    assert await followed.read(some.path, size_of) is first
    some.put("w1", 7)
    some.put("later", 4)
    some.delete("w2")
    await until(some.read(followed), lambda found: found == {"later": 4, "w0": 1, "w1": 7})
    assert await followed.read(some.path, size_of) is await followed.read(some.path, size_of)


async def test_a_short_list_is_read_anew_and_is_the_same_value_while_nothing_changes(
    kube: ApiServer, some: Widgets, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "WATCHED_FROM", 4)
    followed = follow(admin(kube))
    first: Snapshot[Any] = await followed.read(some.path, size_of)
    assert await followed.read(some.path, size_of) is first
    some.delete("w2")  # the newest: its version was the newest of any item
    assert await some.read(followed)() == {"w0": 1, "w1": 1}
    some.put("w0", 5)
    assert await some.read(followed)() == {"w0": 5, "w1": 1}


async def test_what_was_deleted_before_the_list_does_not_come_back(
    kube: ApiServer, some: Widgets, follow: Follow
) -> None:
    """The version of a list is newer than that of any item in it when the newest item was deleted."""
    some.put("w2", 9)
    some.delete("w2")
    followed = follow(admin(kube))
    assert await some.read(followed)() == {"w0": 1, "w1": 1}
    some.put("w0", 2)
    seen = []
    while not seen or seen[-1] != {"w0": 2, "w1": 1}:
        seen.append(await some.read(followed)())
        assert "w2" not in seen[-1]
        await asyncio.sleep(0.01)


async def test_what_we_wrote_is_there_at_once(kube: ApiServer, some: Widgets, follow: Follow) -> None:
    followed = follow(admin(kube))
    await some.read(followed)()
    for size in range(2, 12):
        version = some.put("w0", size)
        followed.wrote("test.example.com", "widgets", version)
        assert (await some.read(followed)())["w0"] == size
    some.delete("w1")
    followed.wrote("test.example.com", "widgets", "")  # an answer that does not tell
    assert "w1" not in await some.read(followed)()


async def test_a_version_that_never_comes_is_not_waited_for_long(
    kube: ApiServer, some: Widgets, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "CATCH_UP", 0.1)
    followed = follow(admin(kube))
    await some.read(followed)()
    followed.wrote("test.example.com", "widgets", str(10**15))
    some.put("w0", 8)
    assert (await some.read(followed)())["w0"] == 8


GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "metadata": {}}}
NO = Answer.failure(403, 'User "x" cannot watch resource "widgets"')


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (Answer.json(GONE), 3),
        (Answer.failure(410, "too old resource version", "Expired"), 3),
        (Answer.failure(504, "Too large resource version", "Timeout"), 3),
        (Answer(200, b"<html>sign in</html>\n"), 3),
        (Answer(200, b""), 3),
        (NO, 1),
        (Answer.failure(400, "unknown parameter"), 1),
    ],
)
async def test_a_watch_that_fails_leaves_a_list_that_is_right(
    kube: ApiServer, some: Widgets, follow: Follow, stub: StubServer, answer: Answer, tries: int
) -> None:
    """It is read anew each time; where the server does not let us follow, that is not tried again."""
    stub.upstream = kube
    watches: list[Asked] = []

    def refuse(asked: Asked) -> Answer | None:
        if "watch=1" not in asked.path:
            return None
        watches.append(asked)
        return answer

    stub.answer = refuse
    followed = follow(admin(kube, stub.url))
    for size in range(1, 4):
        some.put("w0", size)
        assert (await some.read(followed)())["w0"] == size
        await until(_counted(watches), partial(le, min(size, tries)))
        await asyncio.sleep(0.1)  # its answer comes in
    assert len(watches) == tries


def _counted(watches: list[Asked]) -> Callable[[], Any]:
    async def count() -> int:
        return len(watches)

    return count


async def test_a_watch_that_is_cut_or_silent_is_no_longer_believed(
    kube: ApiServer, some: Widgets, follow: Follow, fault_proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENCE", 0.3)
    followed = follow(admin(kube, fault_proxy.url))
    first: Snapshot[Any] = await followed.read(some.path, size_of)
    await asyncio.sleep(0.5)  # nothing has come: the connection may be dead
    some.put("w0", 3)
    assert await followed.read(some.path, size_of) is not first
    monkeypatch.setattr(watch, "SILENCE", 60.0)
    await asyncio.sleep(0.5)
    assert (await some.read(followed)())["w0"] == 3
    fault_proxy.mode, fault_proxy.cut_after = "cut", 0
    some.put("w0", 4)  # told to nobody: the watch is cut here
    await asyncio.sleep(0.3)
    fault_proxy.mode = "pass"
    some.put("w0", 5)
    assert (await some.read(followed)())["w0"] == 5


async def test_closing_ends_every_watch(kube: ApiServer, some: Widgets, follow: Follow) -> None:
    followed = follow(admin(kube))
    await some.read(followed)()
    before = asyncio.all_tasks()
    await followed.close()
    assert len(asyncio.all_tasks()) == len(before) - 1


async def test_many_lists_share_few_watches(
    kube: ApiServer, some: Widgets, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "WATCHES", 0)
    followed = follow(admin(kube))
    for size in (5, 6):
        some.put("w0", size)
        assert (await some.read(followed)())["w0"] == size


async def test_a_bug_in_a_watch_is_not_swallowed(
    kube: ApiServer, some: Widgets, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_watch: Any, _line: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(watch.Watch, "_take", broken)
    followed = follow(admin(kube))
    await some.read(followed)()
    some.put("w0", 2)
    with pytest.raises(RuntimeError, match="a bug"):
        await until(some.read(followed), lambda found: bool(found["w0"] == 2))
