"""No socket outlives the connection to a cluster, however its requests ended."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from pathlib import Path

import pytest

from reconciler.io.kube.cluster import KubeCluster
from reconciler.model.clusters import KubeconfigConnection
from tests.kube.control_plane import ApiServer
from tests.kube.faults import FaultProxy


def test_closing_ends_a_connection_whose_answer_never_came(
    kube: ApiServer, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    """The event loop ends right after it, and says of each transport that is open still that it is."""
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kube.config({"token": kube.token("admin")}, server=fault_proxy.url)))

    async def scenario() -> None:
        cluster = KubeCluster("one", KubeconfigConnection(str(path)))
        await cluster.probe()
        fault_proxy.delay = 60
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cluster.pods("app"), 1)
        await cluster.close()

    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(scenario())
        gc.collect()
    assert [str(warning.message) for warning in told] == []
