"""A KubeCluster before each test's API server, closed at the end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.io.kube.cluster import KubeCluster
from reconciler.model.clusters import ClusterLimits, KubeconfigConnection
from tests.kube.control_plane import ApiServer

Open = Callable[..., KubeCluster]


@pytest.fixture
async def open_with(tmp_path: Path) -> AsyncIterator[Open]:
    """Call it with a kubeconfig (a path or its content) and limits; what it opens is closed after the test."""
    opened: list[KubeCluster] = []

    def opener(config: Path | dict[str, Any], **limits: Any) -> KubeCluster:
        if isinstance(config, dict):
            path = tmp_path / f"kubeconfig-{len(opened)}"
            path.write_text(json.dumps(config))
            config = path
        opened.append(KubeCluster("one", KubeconfigConnection(str(config)), ClusterLimits(**limits)))
        return opened[-1]

    yield opener
    for cluster in opened:
        await cluster.close()


@pytest.fixture
async def cluster(open_with: Open, kube: ApiServer) -> KubeCluster:
    """The first API server, as its admin."""
    return open_with(kube.kubeconfig)
