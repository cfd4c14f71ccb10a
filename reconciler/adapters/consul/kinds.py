"""The native kinds, in the form of the custom resources of consul-k8s.

Waves: a server takes a route only while the protocol of its service carries requests, a split only while its subsets
are there, an intention only while those are that issue its tokens, and refuses to remove what others still need:
protocol, subsets, splits, routes; removal goes the other way.
"""

from __future__ import annotations

from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

GROUP = "consul.hashicorp.com"
_VERSIONS = ("v1alpha1",)


def _kind(kind: str, plural: str, wave: int, *, parts: tuple[str, ...] = ()) -> NativeKind:
    return NativeKind(KindId(GROUP, kind), _VERSIONS, plural, wave=wave, exclusive=not parts, parts=parts)


SERVICE_DEFAULTS = _kind("ServiceDefaults", "servicedefaults", 10)
JWT_PROVIDER = _kind("JWTProvider", "jwtproviders", 12)
SERVICE_INTENTIONS = _kind("ServiceIntentions", "serviceintentions", 15)
SERVICE_RESOLVER = _kind("ServiceResolver", "serviceresolvers", 20)
SERVICE_SPLITTER = _kind("ServiceSplitter", "servicesplitters", 30)
SERVICE_ROUTER = _kind("ServiceRouter", "servicerouters", 40)
#: of each there is one for all proxies, in which others have their part
PROXY_DEFAULTS = _kind("ProxyDefaults", "proxydefaults", 5, parts=("accessLogs",))
MESH = _kind("Mesh", "meshes", 5, parts=("transparentProxy",))

OWNABLE = (
    _kind("ExportedServices", "exportedservices", 45),
    _kind("IngressGateway", "ingressgateways", 45),
    _kind("TerminatingGateway", "terminatinggateways", 45),
)
KINDS = (
    PROXY_DEFAULTS,
    MESH,
    SERVICE_DEFAULTS,
    JWT_PROVIDER,
    SERVICE_INTENTIONS,
    SERVICE_RESOLVER,
    SERVICE_SPLITTER,
    SERVICE_ROUTER,
    *OWNABLE,
)


def _seen(group: str, kind: str, plural: str, *, namespaced: bool = True) -> NativeKind:
    return NativeKind(KindId(group, kind), ("v1",), plural, namespaced, exclusive=False)


#: by which the mesh shows itself in a cluster of Kubernetes; servers tell the rest of themselves
DETECT_KINDS = (
    _seen("apps", "Deployment", "deployments"),
    _seen("apps", "StatefulSet", "statefulsets"),
    _seen("apps", "DaemonSet", "daemonsets"),
    _seen("", "Namespace", "namespaces", namespaced=False),
    SERVICE_INTENTIONS,
    PROXY_DEFAULTS,
    MESH,
)
