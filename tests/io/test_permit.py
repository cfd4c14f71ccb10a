"""Whoever lost the right to write sends nothing more, however long it had been waiting to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.io.directory.cluster import DirectoryCluster
from reconciler.io.kube.cluster import KubeCluster
from reconciler.io.permit import WRITE_PERMIT
from reconciler.model.clusters import ClusterLimits, KubeconfigConnection
from reconciler.ports import Cluster, LeaseLost
from tests.io.kube.objects import WIDGET, live, widget, widget_key
from tests.kube.control_plane import ApiServer
from tests.kube.faults import FaultProxy
from tests.kube.polling import until


class Right:
    """May be withdrawn."""

    def __init__(self) -> None:
        self.withdrawn = False

    def check(self) -> None:
        if self.withdrawn:
            raise LeaseLost("it is another's by now")


@contextmanager
def given() -> Iterator[Right]:
    held = Right()
    token = WRITE_PERMIT.set(held.check)
    try:
        yield held
    finally:
        WRITE_PERMIT.reset(token)


async def refuses_all_writes(cluster: Cluster, right: Right, namespace: str) -> None:
    """The one object there, ``w``, stays as it is and can still be read."""
    key = widget_key(namespace, "w")
    held = await cluster.read(key, WIDGET)
    assert held is not None
    right.withdrawn = True
    with pytest.raises(LeaseLost):
        await cluster.apply(widget(namespace, "new"), WIDGET, force=True)
    with pytest.raises(LeaseLost):
        await cluster.apply(widget(namespace, "w", size=9), WIDGET, force=True)
    with pytest.raises(LeaseLost):
        await cluster.remove_fields(key, WIDGET, ["/spec/size"], held.resource_version)
    with pytest.raises(LeaseLost):
        await cluster.delete(key, WIDGET, held.uid, held.resource_version)
    assert await cluster.read(key, WIDGET) == held
    assert await cluster.read(widget_key(namespace, "new"), WIDGET) is None


async def test_directory_cluster(tmp_path: Path) -> None:
    cluster = DirectoryCluster("one", tmp_path / "live")
    with given() as right:
        await cluster.apply(widget("shop", "w", size=1), WIDGET, force=True)
        await refuses_all_writes(cluster, right, "shop")


async def test_kubernetes_cluster(kube: ApiServer, widgets: None, fresh_namespace: str) -> None:
    cluster = KubeCluster("one", KubeconfigConnection(str(kube.kubeconfig)), ClusterLimits())
    with given() as right:
        await cluster.apply(widget(fresh_namespace, "w", size=1), WIDGET, force=True)
        await refuses_all_writes(cluster, right, fresh_namespace)
    await cluster.close()


async def test_requests_that_wait_for_their_turn(kube: ApiServer, widgets: None, fresh_namespace: str) -> None:
    cluster = KubeCluster("one", KubeconfigConnection(str(kube.kubeconfig)), ClusterLimits(qps=4, burst=1))
    names = [f"w{number}" for number in range(4)]
    with given() as right:
        writes = [asyncio.create_task(cluster.apply(widget(fresh_namespace, n), WIDGET, force=True)) for n in names]
        await writes[0]
        right.withdrawn = True
        results = await asyncio.gather(*writes[1:], return_exceptions=True)
    assert [type(result) for result in results] == [LeaseLost] * 3
    assert [live(kube, fresh_namespace, name) is None for name in names] == [False, True, True, True]
    await cluster.close()


def _connections(proxy: FaultProxy) -> Callable[[], Awaitable[int]]:
    async def probe() -> int:
        return proxy.connections

    return probe


async def test_request_whose_connection_is_still_being_made(
    kube: ApiServer, widgets: None, fresh_namespace: str, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kube.config({"token": kube.token("admin")}, server=fault_proxy.url)))
    cluster = KubeCluster("one", KubeconfigConnection(str(path)), ClusterLimits())
    fault_proxy.delay = 0.3
    with given() as right:
        write = asyncio.create_task(cluster.apply(widget(fresh_namespace, "w"), WIDGET, force=True))
        await until(_connections(fault_proxy), lambda count: count > 0)
        right.withdrawn = True
        with pytest.raises(LeaseLost):
            await write
    fault_proxy.delay = 0.0
    assert live(kube, fresh_namespace, "w") is None
    await cluster.close()
