"""The native kinds of SMI and of the products that speak it.

Versions differ from product to product, under one name of the definition: what the cluster serves is written. Those of
v1alpha2 and before of routes have another shape and are left alone. Waves: Services of subsets before the shares
between them; requests before who may make them. Removal goes the other way round.
"""

from __future__ import annotations

from reconciler.adapters.standard.written import SERVICE
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId


def _kind(group: str, kind: str, plural: str, wave: int, versions: tuple[str, ...]) -> NativeKind:
    return NativeKind(KindId(group, kind), versions, plural, wave=wave)


#: methods of an HTTPRouteGroup
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_SPECS = "specs.smi-spec.io"
TRAFFIC_SPLIT = _kind(
    "split.smi-spec.io", "TrafficSplit", "trafficsplits", 30, ("v1alpha4", "v1alpha3", "v1alpha2", "v1alpha1")
)
HTTP_ROUTE_GROUP = _kind(_SPECS, "HTTPRouteGroup", "httproutegroups", 35, ("v1alpha4", "v1alpha3"))
TCP_ROUTE = _kind(_SPECS, "TCPRoute", "tcproutes", 35, ("v1alpha4", "v1alpha3"))
TRAFFIC_TARGET = _kind("access.smi-spec.io", "TrafficTarget", "traffictargets", 40, ("v1alpha3", "v1alpha2"))

_OSM = "policy.openservicemesh.io"
UPSTREAM = _kind(_OSM, "UpstreamTrafficSetting", "upstreamtrafficsettings", 20, ("v1alpha1",))
CIRCUIT_BREAKER = _kind("specs.smi.nginx.com", "CircuitBreaker", "circuitbreakers", 20, ("v1alpha1",))

OWNABLE = (
    _kind(_SPECS, "UDPRoute", "udproutes", 35, ("v1alpha4",)),
    _kind(_OSM, "Retry", "retries", 30, ("v1alpha1",)),
    _kind(_OSM, "Egress", "egresses", 40, ("v1alpha1",)),
    _kind(_OSM, "IngressBackend", "ingressbackends", 40, ("v1alpha1",)),
    _kind("specs.smi.nginx.com", "RateLimit", "ratelimits", 40, ("v1alpha2", "v1alpha1")),
)
KINDS = (SERVICE, UPSTREAM, CIRCUIT_BREAKER, TRAFFIC_SPLIT, HTTP_ROUTE_GROUP, TCP_ROUTE, TRAFFIC_TARGET, *OWNABLE)


def _seen(group: str, kind: str, plural: str, *versions: str, namespaced: bool = True) -> NativeKind:
    """A kind that is only looked at."""
    return NativeKind(KindId(group, kind), versions or ("v1",), plural, namespaced=namespaced, exclusive=False)


DETECT_KINDS = (
    _seen("apps", "Deployment", "deployments"),
    _seen("", "Namespace", "namespaces", namespaced=False),
    _seen("config.openservicemesh.io", "MeshConfig", "meshconfigs", "v1alpha2", "v1alpha1"),
    _seen("nsm.nginx.com", "MeshConfig", "meshconfigs", "v1alpha2"),
)
