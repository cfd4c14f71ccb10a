"""From a Cluster document to a cluster."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from reconciler.io.clusters import open_cluster
from reconciler.model.clusters import (
    Cluster,
    Connection,
    DirectoryConnection,
    InClusterConnection,
    KubeconfigConnection,
)
from reconciler.model.findings import NOWHERE
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId
from reconciler.ports import Cluster as ClusterPort
from reconciler.ports import Unreachable

KIND = NativeKind(KindId("", "Namespace"), ("v1",), "namespaces", namespaced=False)


def opened(connection: Connection, base: Path) -> ClusterPort:
    return open_cluster(Cluster("dev", NOWHERE, connection), base)


async def test_relative_folders_start_at_the_base(tmp_path: Path) -> None:
    for folder, name in (("live", "one"), ("facts", "two")):
        (tmp_path / folder).mkdir()
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        (tmp_path / folder / "n.yaml").write_text(json.dumps(body))
    cluster = opened(DirectoryConnection("live", "facts"), tmp_path)
    assert [item.key.name for item in (await cluster.list_objects([KIND])).objects] == ["one", "two"]
    assert cluster.name == "dev"


@pytest.mark.parametrize("connection", [KubeconfigConnection("conf/kubeconfig"), InClusterConnection()])
async def test_a_cluster_without_its_configuration_is_opened_and_then_unreachable(
    tmp_path: Path, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    cluster = opened(connection, tmp_path)
    with pytest.raises(Unreachable) as caught:
        await cluster.list_objects([KIND])
    expected = str(tmp_path / "conf" / "kubeconfig") if isinstance(connection, KubeconfigConnection) else "in-cluster"
    assert expected in str(caught.value)
    await cluster.close()


def test_opening_needs_no_event_loop(tmp_path: Path) -> None:
    asyncio.run(opened(KubeconfigConnection("nothing"), tmp_path).close())
