"""The kinds that reading a cluster is about besides those it is asked for. Cheap to import."""

from __future__ import annotations

from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

CRD = NativeKind(
    KindId("apiextensions.k8s.io", "CustomResourceDefinition"), ("v1",), "customresourcedefinitions", namespaced=False
)
POD = NativeKind(KindId("", "Pod"), ("v1",), "pods")
FACT_KINDS = (
    NativeKind(KindId("", "Namespace"), ("v1",), "namespaces", namespaced=False),
    NativeKind(KindId("", "Service"), ("v1",), "services"),
    NativeKind(KindId("apps", "Deployment"), ("v1",), "deployments"),
    NativeKind(KindId("apps", "StatefulSet"), ("v1",), "statefulsets"),
    NativeKind(KindId("apps", "DaemonSet"), ("v1",), "daemonsets"),
)
