"""The native kinds of Cilium: what is written, what may be owned for an Extension, what discovery reads.

Waves: permissions come before the default deny that they are exceptions from. Removal goes the other way round.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.adapters.standard.kinds import CRD, GATEWAY, GATEWAY_CLASS
from reconciler.adapters.standard.written import (
    GATEWAY as OWN_GATEWAY,
)
from reconciler.adapters.standard.written import (
    GRPC_ROUTE,
    HTTP_ROUTE,
    REFERENCE_GRANT,
    SERVICE,
    TLS_ROUTE,
)
from reconciler.model.native import Beside, NativeKind
from reconciler.model.refs import KindId

GROUP = "cilium.io"


def _own(kind: str, plural: str, wave: int, *, namespaced: bool = True) -> NativeKind:
    return NativeKind(KindId(GROUP, kind), ("v2",), plural, namespaced=namespaced, wave=wave)


NETWORK_POLICY = _own("CiliumNetworkPolicy", "ciliumnetworkpolicies", 40)
#: the same kind, applied after every permission and removed before them
DEFAULT_DENY = replace(NETWORK_POLICY, wave=45)
#: the same kind, which closes what callers may reach: after all that they may
EGRESS = replace(NETWORK_POLICY, wave=46)
OWNABLE = (
    _own("CiliumEnvoyConfig", "ciliumenvoyconfigs", 35),
    _own("CiliumClusterwideEnvoyConfig", "ciliumclusterwideenvoyconfigs", 35, namespaced=False),
    _own("CiliumClusterwideNetworkPolicy", "ciliumclusterwidenetworkpolicies", 40, namespaced=False),
    _own("CiliumLocalRedirectPolicy", "ciliumlocalredirectpolicies", 35),
    _own("CiliumEgressGatewayPolicy", "ciliumegressgatewaypolicies", 35, namespaced=False),
)
KINDS = (SERVICE, REFERENCE_GRANT, OWN_GATEWAY, HTTP_ROUTE, GRPC_ROUTE, TLS_ROUTE, NETWORK_POLICY, *OWNABLE)


def _seen(group: str, kind: str, plural: str, *, namespaced: bool = True) -> NativeKind:
    """A kind that is only looked at."""
    return NativeKind(KindId(group, kind), ("v1",), plural, namespaced=namespaced, exclusive=False)


#: label ``k8s-app`` of the agents
AGENTS = "cilium"
DETECT_KINDS = (
    _seen("apps", "DaemonSet", "daemonsets"),
    replace(_seen("", "ConfigMap", "configmaps"), beside=(Beside(KindId("apps", "DaemonSet"), "k8s-app", AGENTS),)),
    _seen("", "Namespace", "namespaces", namespaced=False),
    CRD,
    GATEWAY_CLASS,
    GATEWAY,
)
