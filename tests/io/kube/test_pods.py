"""Pods with a label, on a real API server: no more of them than labels and images, followed while they change."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.io.kube import lists
from reconciler.io.kube.cluster import KubeCluster
from tests.io.kube.objects import put
from tests.kube.control_plane import ApiServer
from tests.kube.polling import until


def pod(name: str, value: str, image: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"proxied": value}},
        "spec": {
            "initContainers": [{"name": "proxy", "image": image}],
            "containers": [{"name": "app", "image": "app:1", "env": [{"name": "SECRET", "value": "x"}]}],
        },
    }


async def test_pods_are_chosen_by_their_label(cluster: KubeCluster, kube: ApiServer, fresh_namespace: str) -> None:
    path = f"/api/v1/namespaces/{fresh_namespace}/pods"
    put(kube, path, pod("a", fresh_namespace, "proxy:1"))
    put(kube, path, pod("b", "another", "proxy:2"))
    assert list(await cluster.pods(f"proxied={fresh_namespace}")) == [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a", "namespace": fresh_namespace, "labels": {"proxied": fresh_namespace}},
            "spec": {
                "containers": [{"name": "app", "image": "app:1"}],
                "initContainers": [{"name": "proxy", "image": "proxy:1"}],
            },
        }
    ]


async def test_of_a_connection_that_stays_they_are_followed(
    cluster: KubeCluster, kube: ApiServer, fresh_namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "WATCHED_FROM", 1)
    cluster.stay()
    path, label = f"/api/v1/namespaces/{fresh_namespace}/pods", f"proxied={fresh_namespace}"
    put(kube, path, pod("a", fresh_namespace, "proxy:1"))
    first = await cluster.pods(label)
    assert await cluster.pods(label) is first
    put(kube, path, pod("b", fresh_namespace, "proxy:2"))
    put(kube, path, pod("c", "another", "proxy:3"))
    found = await until(lambda: cluster.pods(label), lambda pods: len(pods) > 1)
    assert [item["metadata"]["name"] for item in found] == ["a", "b"]
