"""The native kinds of Linkerd, and those of others that carry keys of it.

Waves: Services of subsets come before the routes to them. Who may call comes before the route that it is for, and the
Server that shuts a port comes last, so that no request is refused on the way; removal goes the other way round.
Versions as in the charts of 2.10 to 2.20.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.adapters.standard import written
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

POLICY = "policy.linkerd.io"


def _kind(kind: str, plural: str, versions: tuple[str, ...], wave: int, group: str = POLICY) -> NativeKind:
    return NativeKind(KindId(group, kind), versions, plural, wave=wave)


#: made by us for a subset, or somebody else's with our annotations
SERVICE = written.SERVICE
NAMESPACE = NativeKind(
    KindId("", "Namespace"), ("v1",), "namespaces", namespaced=False, wave=70, exclusive=False, lent=True
)
HTTP_ROUTE = written.HTTP_ROUTE
#: the mesh reads this version only
TLS_ROUTE = replace(written.TLS_ROUTE, versions=("v1alpha2",))
#: where the definitions of Gateway API are not installed
OWN_HTTP_ROUTE = _kind("HTTPRoute", "httproutes", ("v1beta3", "v1beta2", "v1beta1", "v1alpha1"), 30)
MESH_TLS = _kind("MeshTLSAuthentication", "meshtlsauthentications", ("v1alpha1",), 20)
NETWORK = _kind("NetworkAuthentication", "networkauthentications", ("v1alpha1",), 20)
AUTHORIZATION_POLICY = _kind("AuthorizationPolicy", "authorizationpolicies", ("v1alpha1",), 25)
RATE_LIMIT = _kind("HTTPLocalRateLimitPolicy", "httplocalratelimitpolicies", ("v1alpha1",), 40)
EGRESS_NETWORK = _kind("EgressNetwork", "egressnetworks", ("v1alpha1",), 50)
SERVER = _kind("Server", "servers", ("v1beta3", "v1beta2", "v1beta1"), 60)
#: the field of a Server that says what holds for who is not named by any rule
ACCESS_POLICY = "spec.accessPolicy"
#: read to be told: it would switch off the routes of its service
SERVICE_PROFILE = _kind("ServiceProfile", "serviceprofiles", ("v1alpha2",), 35, "linkerd.io")

OWNABLE = (
    SERVICE_PROFILE,
    written.GRPC_ROUTE,
    _kind("ServerAuthorization", "serverauthorizations", ("v1beta1",), 25),
    _kind("Link", "links", ("v1alpha3", "v1alpha2", "v1alpha1"), 50, "multicluster.linkerd.io"),
    _kind("ExternalWorkload", "externalworkloads", ("v1beta1", "v1alpha1"), 50, "workload.linkerd.io"),
    _kind("TrafficSplit", "trafficsplits", ("v1alpha2", "v1alpha1"), 30, "split.smi-spec.io"),
)
KINDS = (
    SERVICE,
    NAMESPACE,
    MESH_TLS,
    NETWORK,
    AUTHORIZATION_POLICY,
    HTTP_ROUTE,
    OWN_HTTP_ROUTE,
    TLS_ROUTE,
    RATE_LIMIT,
    EGRESS_NETWORK,
    SERVER,
    *OWNABLE,
)


def _seen(group: str, kind: str, plural: str, *, namespaced: bool = True) -> NativeKind:
    return NativeKind(KindId(group, kind), ("v1",), plural, namespaced, exclusive=False)


#: what shows a control plane, and who is in the mesh
DETECT_KINDS = (
    _seen("", "Namespace", "namespaces", namespaced=False),
    _seen("", "ConfigMap", "configmaps"),
    _seen("apps", "Deployment", "deployments"),
    _seen("apps", "StatefulSet", "statefulsets"),
    _seen("apps", "DaemonSet", "daemonsets"),
)
