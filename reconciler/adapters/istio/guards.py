"""What decides where requests arrive whether they may go on: a server that is asked, and where browsers come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.proxy_patches import Native, length, share, typed
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.istio.servers import cluster_of, grpc_service
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

_AUTH = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
_CSRF = "envoy.extensions.filters.http.csrf.v3.CsrfPolicy"
_TIMEOUT = "200ms"


def external_authorization(asked: Mapping[str, Any], leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Native:
    timeout = length(duration(asked.get("timeout", _TIMEOUT), leaf, gaps))
    config: Native = {"transport_api_version": "V3", "failure_mode_allow": asked.get("failOpen") is True}
    server = str(asked["server"])
    if asked.get("protocol", "Grpc") == "Grpc":
        config["grpc_service"] = grpc_service(server, leaf, intent, gaps) | {"timeout": timeout}
    else:
        cluster, host = cluster_of(server, leaf, intent, gaps, http2=False)
        uri = f"http://{host}:{server.rpartition(':')[2]}"
        config["http_service"] = {"server_uri": {"uri": uri, "cluster": cluster, "timeout": timeout}}
    if "headers" in asked:
        config["allowed_headers"] = {"patterns": [{"exact": str(name).lower()} for name in asked["headers"]]}
    return typed(_AUTH, config)


def csrf(asked: Mapping[str, Any], leaf: Leaf, gaps: Gaps) -> Native:
    """In shadow, what would be refused is only counted."""
    looked_at, none = share(asked.get("percent")), share(0)
    shadow = bool(asked.get("shadow"))
    config: Native = {"filter_enabled": none if shadow else looked_at}
    if shadow:
        config["shadow_enabled"] = looked_at
    if origins := [_origin(one, leaf, gaps) for one in asked.get("origins") or ()]:
        config["additional_origins"] = origins
    return typed(_CSRF, config)


def _origin(one: Mapping[str, str], leaf: Leaf, gaps: Gaps) -> Native:
    """The proxies compare host and port of an origin, without its scheme."""
    kind = next((kind for kind in ("exact", "prefix") if kind in one), None)
    if kind is None:
        gaps.error("mesh-inexpressible", "the mesh compares origins without their scheme, so not by expressions", leaf)
        return {}
    scheme, found, rest = one[kind].partition("://")
    return {kind: rest if found else scheme}
