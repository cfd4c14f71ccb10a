"""The native kinds that are written, and those that may be owned for an Extension.

Waves: the Services of subsets come before the routes to them; a Gateway before its routes; what lets a route refer to
another namespace before the route. Removal goes the other way round.
"""

from __future__ import annotations

from reconciler.adapters.standard.kinds import GROUP
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

_VERSIONS = ("v1", "v1beta1")


def _kind(kind: str, plural: str, wave: int, versions: tuple[str, ...] = _VERSIONS) -> NativeKind:
    return NativeKind(KindId(GROUP, kind), versions, plural, wave=wave)


#: the Service of a subset: Kubernetes fills in addresses, so only our fields are compared
SERVICE = NativeKind(KindId("", "Service"), ("v1",), "services", wave=10, exclusive=False)
REFERENCE_GRANT = _kind("ReferenceGrant", "referencegrants", 20)
GATEWAY = _kind("Gateway", "gateways", 25)
HTTP_ROUTE = _kind("HTTPRoute", "httproutes", 30)
GRPC_ROUTE = _kind("GRPCRoute", "grpcroutes", 30, ("v1", "v1alpha2"))
TLS_ROUTE = _kind("TLSRoute", "tlsroutes", 30, ("v1", "v1alpha3", "v1alpha2"))
TCP_ROUTE = _kind("TCPRoute", "tcproutes", 30, ("v1", "v1alpha2"))

OWNABLE = (
    NativeKind(KindId(GROUP, "GatewayClass"), _VERSIONS, "gatewayclasses", namespaced=False, wave=15),
    _kind("UDPRoute", "udproutes", 30, ("v1", "v1alpha2")),
    _kind("ListenerSet", "listenersets", 26, ("v1",)),
    _kind("BackendTLSPolicy", "backendtlspolicies", 35, ("v1", "v1alpha3")),
)
KINDS = (SERVICE, REFERENCE_GRANT, GATEWAY, HTTP_ROUTE, GRPC_ROUTE, TLS_ROUTE, TCP_ROUTE, *OWNABLE)
