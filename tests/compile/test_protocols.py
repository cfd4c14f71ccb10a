"""Ports of raw objects say their protocol, so that every API server can merge them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.compile.protocols import with_protocols

PORT = {"port": 80}
TCP = {"port": 80, "protocol": "TCP"}


def workload(kind: str, port: dict[str, Any]) -> dict[str, Any]:
    pod = {"containers": [{"name": "c", "ports": [port]}], "initContainers": [{"name": "i"}]}
    spec = pod if kind == "Pod" else {"replicas": 1, "template": {"spec": pod}}
    return {"apiVersion": "apps/v1", "kind": kind, "spec": spec}


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "StatefulSet"])
def test_containers(kind: str) -> None:
    assert with_protocols(workload(kind, PORT)) == workload(kind, TCP)


def test_services() -> None:
    body = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [PORT, {"port": 53, "protocol": "UDP"}]}}
    assert with_protocols(body)["spec"]["ports"] == [TCP, {"port": 53, "protocol": "UDP"}]


@pytest.mark.parametrize(
    "body",
    [
        {"apiVersion": "serving.example/v1", "kind": "Service", "spec": {"ports": [PORT]}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "Service", "spec": {"ports": "nonsense"}},
        {"apiVersion": "v1", "kind": "Service", "spec": None},
    ],
)
def test_other_objects_stay_as_they_are(body: dict[str, Any]) -> None:
    assert with_protocols(body) == body
