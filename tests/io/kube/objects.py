"""Kinds and bodies that the tests of a Kubernetes cluster use."""

from __future__ import annotations

from typing import Any

from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, ObjectKey
from tests.kube.control_plane import ApiServer

WIDGET = NativeKind(KindId("test.example.com", "Widget"), ("v1", "v1beta1"), "widgets")
GADGET = NativeKind(KindId("test.example.com", "Gadget"), ("v1",), "gadgets")
NOWHERE = NativeKind(KindId("nowhere.example.com", "Thing"), ("v2", "v1"), "things")
SERVICE = NativeKind(KindId("", "Service"), ("v1",), "services", exclusive=False)
DEPLOYMENT = NativeKind(KindId("apps", "Deployment"), ("v1",), "deployments", exclusive=False)
CONFIG_MAP = NativeKind(KindId("", "ConfigMap"), ("v1",), "configmaps")


def widget_path(namespace: str, name: str = "") -> str:
    return f"/apis/test.example.com/v1/namespaces/{namespace}/widgets" + (f"/{name}" if name else "")


def widget(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "test.example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec or {"size": 1},
    }


def widget_key(namespace: str, name: str) -> ObjectKey:
    return ObjectKey("test.example.com", "Widget", namespace, name)


def service(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "web"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"ports": ports, "selector": {"app": name}, **spec},
    }


def deployment(namespace: str, name: str, **labels: str) -> dict[str, Any]:
    labels = labels or {"app": name}
    container = {"name": "main", "image": "none", "ports": [{"name": "web", "containerPort": 8080, "protocol": "TCP"}]}
    pod = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": f"{name}-sa", "containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }


def put(server: ApiServer, path: str, body: dict[str, Any], manager: str = "somebody") -> dict[str, Any]:
    """Apply a body as another manager; the object as the server returned it."""
    status, answer = server.apply(f"{path}/{body['metadata']['name']}", body, manager)
    assert status in (200, 201), answer
    made: dict[str, Any] = answer
    return made


def live(server: ApiServer, namespace: str, name: str) -> dict[str, Any] | None:
    """The widget as it is on the server, or None."""
    status, answer = server.request("GET", widget_path(namespace, name))
    assert status in (200, 404), answer
    return answer if status == 200 else None
