"""The native kinds of Kuma: what we write, what we may own for an Extension, what discovery reads.

Waves: the Services of subsets come before the routes to them, and routes before the policies that refer to them; modes
before the rules that need identities. Removal goes the other way round.
"""

from __future__ import annotations

from reconciler.adapters.standard.written import SERVICE
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId

GROUP = "kuma.io"
_VERSIONS = ("v1alpha1",)


def _kind(kind: str, plural: str, wave: int) -> NativeKind:
    return NativeKind(KindId(GROUP, kind), _VERSIONS, plural, wave=wave)


EXTERNAL_SERVICE = _kind("MeshExternalService", "meshexternalservices", 10)
HOSTNAME_GENERATOR = _kind("HostnameGenerator", "hostnamegenerators", 12)
HTTP_ROUTE = _kind("MeshHTTPRoute", "meshhttproutes", 30)
TCP_ROUTE = _kind("MeshTCPRoute", "meshtcproutes", 30)
TIMEOUT = _kind("MeshTimeout", "meshtimeouts", 35)
RETRY = _kind("MeshRetry", "meshretries", 35)
CIRCUIT_BREAKER = _kind("MeshCircuitBreaker", "meshcircuitbreakers", 35)
BALANCING = _kind("MeshLoadBalancingStrategy", "meshloadbalancingstrategies", 35)
HEALTH_CHECK = _kind("MeshHealthCheck", "meshhealthchecks", 35)
TLS = _kind("MeshTLS", "meshtlses", 38)
PERMISSION = _kind("MeshTrafficPermission", "meshtrafficpermissions", 40)
FAULT = _kind("MeshFaultInjection", "meshfaultinjections", 45)
RATE_LIMIT = _kind("MeshRateLimit", "meshratelimits", 45)
ACCESS_LOG = _kind("MeshAccessLog", "meshaccesslogs", 45)
TRACE = _kind("MeshTrace", "meshtraces", 45)
METRIC = _kind("MeshMetric", "meshmetrics", 45)
PASSTHROUGH = _kind("MeshPassthrough", "meshpassthroughs", 46)
PROXY_PATCH = _kind("MeshProxyPatch", "meshproxypatches", 47)

OWNABLE = (
    EXTERNAL_SERVICE,
    HOSTNAME_GENERATOR,
    _kind("MeshMultiZoneService", "meshmultizoneservices", 10),
    _kind("MeshGateway", "meshgateways", 25),
    _kind("MeshGatewayRoute", "meshgatewayroutes", 30),
    _kind("MeshGatewayInstance", "meshgatewayinstances", 26),
    _kind("MeshIdentity", "meshidentities", 37),
    _kind("MeshTrust", "meshtrusts", 36),
    _kind("MeshOpenTelemetryBackend", "meshopentelemetrybackends", 20),
)
KINDS = (
    SERVICE,
    HTTP_ROUTE,
    TCP_ROUTE,
    TIMEOUT,
    RETRY,
    CIRCUIT_BREAKER,
    BALANCING,
    HEALTH_CHECK,
    TLS,
    PERMISSION,
    FAULT,
    RATE_LIMIT,
    ACCESS_LOG,
    TRACE,
    METRIC,
    PASSTHROUGH,
    PROXY_PATCH,
    *OWNABLE,
)


def _seen(group: str, kind: str, plural: str, version: str = "v1", *, namespaced: bool = True) -> NativeKind:
    """A kind that is only looked at."""
    return NativeKind(KindId(group, kind), (version,), plural, namespaced=namespaced, exclusive=False)


DETECT_KINDS = (
    _seen("apps", "Deployment", "deployments"),
    _seen("apps", "StatefulSet", "statefulsets"),
    _seen("apps", "DaemonSet", "daemonsets"),
    _seen("", "Namespace", "namespaces", namespaced=False),
    _seen("", "Service", "services"),
    _seen(GROUP, "Mesh", "meshes", "v1alpha1", namespaced=False),
    _seen(GROUP, "MeshIdentity", "meshidentities", "v1alpha1"),
    TLS,
    PERMISSION,
)
