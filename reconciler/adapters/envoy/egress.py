"""What a proxy does with calls to hosts that the mesh does not know: it says so, or passes them on in plain text to
what DNS says."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.kinds import CLUSTER, VIRTUAL_HOST, resource, typed
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

_ANYWHERE = "unknown.anywhere"
_UNKNOWN = "unknown"
_CACHE = {"name": "anywhere", "dns_lookup_family": "V4_PREFERRED"}
_WHY = "the mesh knows no such host, and lets calls to known ones through only"


def unknown_hosts(proxy: Proxy, intent: MeshIntent) -> list[NativeObject]:
    """Nobody gets out where nobody says so."""
    if intent.egress is None or intent.egress.mode != "AllowAny":
        refused = {"direct_response": {"status": 502, "body": {"inline_string": f"{_WHY}\n"}}}
        return [_virtual_host(refused, proxy, intent)]
    cluster = {
        "name": _ANYWHERE,
        "connect_timeout": "5s",
        **looked_up(),
    }
    passed_on = {"route": {"cluster": _ANYWHERE, "timeout": "0s"}}
    made = resource(intent, proxy, CLUSTER, _ANYWHERE, cluster, intent.egress.origins)
    return [made, _virtual_host(passed_on, proxy, intent)]


def looked_up() -> dict[str, Any]:
    """Fields of a Cluster that asks DNS for the host of each request."""
    config = typed("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig", dns_cache_config=_CACHE)
    return {
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": {"name": "envoy.clusters.dynamic_forward_proxy", "typed_config": config},
    }


def resolver() -> dict[str, Any]:
    """The filter that looks hosts up for the cluster; for any other it does nothing."""
    return typed("envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig", dns_cache_config=_CACHE)


def _virtual_host(action: dict[str, Any], proxy: Proxy, intent: MeshIntent) -> NativeObject:
    spec = {"name": _UNKNOWN, "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **action}]}
    origins = {*proxy.origins, *(intent.egress.origins if intent.egress else ())}
    return resource(intent, proxy, VIRTUAL_HOST, f"{names.OUTBOUND}~{_UNKNOWN}", spec, origins)
