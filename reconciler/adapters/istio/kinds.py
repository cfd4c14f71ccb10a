"""The native kinds of Istio: what we write, what we may own for an Extension, what discovery reads.

Waves: what routes point at comes before the routes; modes before the rules that need identities; permissions before
the default deny that they are exceptions from. Removal goes the other way round.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.native import Beside, NativeKind
from reconciler.model.refs import KindId

_NETWORKING = ("v1", "v1beta1", "v1alpha3")
_SECURITY = ("v1", "v1beta1")


def _networking(kind: str, plural: str, wave: int, versions: tuple[str, ...] = _NETWORKING) -> NativeKind:
    return NativeKind(KindId("networking.istio.io", kind), versions, plural, wave=wave)


def _security(kind: str, plural: str, wave: int) -> NativeKind:
    return NativeKind(KindId("security.istio.io", kind), _SECURITY, plural, wave=wave)


SERVICE_ENTRY = _networking("ServiceEntry", "serviceentries", 10)
DESTINATION_RULE = _networking("DestinationRule", "destinationrules", 20)
VIRTUAL_SERVICE = _networking("VirtualService", "virtualservices", 30)
REQUEST_AUTHENTICATION = _security("RequestAuthentication", "requestauthentications", 35)
PEER_AUTHENTICATION = _security("PeerAuthentication", "peerauthentications", 35)
AUTHORIZATION_POLICY = _security("AuthorizationPolicy", "authorizationpolicies", 40)
#: the same kind, applied before the rules of a waypoint, which callers could go around until then
GUARD = replace(AUTHORIZATION_POLICY, wave=39)
#: the same kind, applied after every permission and removed before them
DEFAULT_DENY = replace(AUTHORIZATION_POLICY, wave=45)
TELEMETRY = NativeKind(KindId("telemetry.istio.io", "Telemetry"), ("v1", "v1alpha1"), "telemetries", wave=45)
WASM_PLUGIN = NativeKind(KindId("extensions.istio.io", "WasmPlugin"), ("v1alpha1",), "wasmplugins", wave=45)
ENVOY_FILTER = _networking("EnvoyFilter", "envoyfilters", 45, ("v1alpha3",))
#: narrows what callers know, so it comes after all that they are to know
SIDECAR = _networking("Sidecar", "sidecars", 46)

GATEWAY = _networking("Gateway", "gateways", 25)
PROXY_CONFIG = _networking("ProxyConfig", "proxyconfigs", 10, ("v1beta1",))
OWNABLE = (
    _networking("WorkloadEntry", "workloadentries", 10),
    _networking("WorkloadGroup", "workloadgroups", 10),
    NativeKind(KindId("extensions.istio.io", "TrafficExtension"), ("v1alpha1",), "trafficextensions", wave=45),
)
KINDS = (
    SERVICE_ENTRY,
    DESTINATION_RULE,
    VIRTUAL_SERVICE,
    REQUEST_AUTHENTICATION,
    PEER_AUTHENTICATION,
    AUTHORIZATION_POLICY,
    TELEMETRY,
    WASM_PLUGIN,
    ENVOY_FILTER,
    SIDECAR,
    GATEWAY,
    PROXY_CONFIG,
    *OWNABLE,
)


def _seen(group: str, kind: str, plural: str, *versions: str, namespaced: bool = True) -> NativeKind:
    """A kind that is only looked at."""
    return NativeKind(KindId(group, kind), versions or ("v1",), plural, namespaced=namespaced, exclusive=False)


#: label ``app`` of what runs the mesh
CONTROL_PLANE = "istiod"
_GATEWAY_API = "gateway.networking.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
DETECT_KINDS = (
    _seen("apps", "Deployment", "deployments"),
    _seen("apps", "StatefulSet", "statefulsets"),
    _seen("apps", "DaemonSet", "daemonsets"),
    replace(_seen("", "ConfigMap", "configmaps"), beside=(Beside(KindId("apps", "Deployment"), "app", CONTROL_PLANE),)),
    _seen("", "Namespace", "namespaces", namespaced=False),
    _seen("", "Service", "services"),
    _seen(_ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", namespaced=False),
    _seen(_GATEWAY_API, "Gateway", "gateways", "v1", "v1beta1"),
    _seen(_GATEWAY_API, "GatewayClass", "gatewayclasses", "v1", "v1beta1", namespaced=False),
    PEER_AUTHENTICATION,
)
