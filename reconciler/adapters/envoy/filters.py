"""The chain of HTTP filters of a connection manager, in order. Each does nothing until a virtual host or a route turns
it on, so that the chain, and with it the listener, stays the same while policies change."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.envoy.kinds import typed
from reconciler.model.intents import MeshIntent

ROUTER = "envoy.filters.http.router"
_HTTP = "envoy.extensions.filters.http"


def http_filters(direction: str, intent: MeshIntent) -> list[dict[str, Any]]:
    """``direction``: Inbound | Outbound | Gateway."""
    return [{"name": ROUTER, "typed_config": typed(f"{_HTTP}.router.v3.Router")}]
