"""The kinds by which Gateway API shows itself in a cluster."""

from __future__ import annotations

from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

GROUP = "gateway.networking.k8s.io"
#: among the components of a mesh that implements the API: the version of its definitions
BUNDLE = "gateway-api"
_VERSIONS = ("v1", "v1beta1")

GATEWAY = NativeKind(KindId(GROUP, "Gateway"), _VERSIONS, "gateways", exclusive=False)
GATEWAY_CLASS = NativeKind(
    KindId(GROUP, "GatewayClass"), _VERSIONS, "gatewayclasses", namespaced=False, exclusive=False
)
CRD = NativeKind(
    KindId("apiextensions.k8s.io", "CustomResourceDefinition"), ("v1",), "customresourcedefinitions",
    namespaced=False, exclusive=False,
)  # fmt: skip
DETECT_KINDS = (CRD, GATEWAY_CLASS, GATEWAY)
