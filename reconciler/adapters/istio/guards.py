"""What decides where requests arrive whether they may go on: a server that is asked, and where browsers come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters import proxy_parts
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.proxy_patches import Native, length, typed
from reconciler.adapters.istio.resilience import duration
from reconciler.adapters.istio.servers import cluster_of, grpc_service
from reconciler.model.intents import MeshIntent
from reconciler.model.rules import Leaf

_AUTH = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
_CSRF = "envoy.extensions.filters.http.csrf.v3.CsrfPolicy"
_TIMEOUT = "200ms"


def external_authorization(asked: Mapping[str, Any], leaf: Leaf, intent: MeshIntent, gaps: Gaps) -> Native:
    timeout = length(duration(asked.get("timeout", _TIMEOUT), leaf, gaps))
    config = proxy_parts.authorization(
        asked,
        timeout,
        grpc=lambda server: grpc_service(server, leaf, intent, gaps),
        http=lambda server: cluster_of(server, leaf, intent, gaps, http2=False),
    )
    return typed(_AUTH, config)


def csrf(asked: Mapping[str, Any], leaf: Leaf, gaps: Gaps) -> Native:
    return typed(_CSRF, proxy_parts.csrf(asked, leaf, gaps))
