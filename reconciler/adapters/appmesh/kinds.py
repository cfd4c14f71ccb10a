"""The native kinds of App Mesh: what we write, what we may own for an Extension, what discovery reads.

Waves: what is sent to comes before the routes to it, and these before the name under which they are called. Removal
goes the other way round, since the service refuses to remove what something refers to.
"""

from __future__ import annotations

from reconciler.adapters.standard.written import SERVICE
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

GROUP = "appmesh.k8s.aws"
_VERSIONS = ("v1beta2",)


def _kind(kind: str, plural: str, wave: int, *, namespaced: bool = True) -> NativeKind:
    return NativeKind(KindId(GROUP, kind), _VERSIONS, plural, namespaced=namespaced, wave=wave)


VIRTUAL_NODE = _kind("VirtualNode", "virtualnodes", 20)
VIRTUAL_ROUTER = _kind("VirtualRouter", "virtualrouters", 30)
VIRTUAL_SERVICE = _kind("VirtualService", "virtualservices", 40)
MESH = _kind("Mesh", "meshes", 5, namespaced=False)
VIRTUAL_GATEWAY = _kind("VirtualGateway", "virtualgateways", 50)

OWNABLE = (
    MESH,
    _kind("BackendGroup", "backendgroups", 45),
    VIRTUAL_GATEWAY,
    _kind("GatewayRoute", "gatewayroutes", 55),
)
KINDS = (SERVICE, VIRTUAL_NODE, VIRTUAL_ROUTER, VIRTUAL_SERVICE, *OWNABLE)


def _seen(group: str, kind: str, plural: str, *, namespaced: bool = True) -> NativeKind:
    """A kind that is only looked at."""
    return NativeKind(KindId(group, kind), ("v1",), plural, namespaced=namespaced, exclusive=False)


DETECT_KINDS = (
    _seen("apps", "Deployment", "deployments"),
    _seen("", "Namespace", "namespaces", namespaced=False),
    MESH,
    VIRTUAL_NODE,
    VIRTUAL_GATEWAY,
)
