"""The chain of HTTP filters of a connection manager, in order. Each does nothing until a virtual host or a route turns
it on, so that the chain, and with it the listener, stays the same while policies change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.envoy.egress import resolver
from reconciler.adapters.envoy.kinds import typed
from reconciler.model.intents import MeshIntent

ROUTER = "envoy.filters.http.router"
_HTTP = "envoy.extensions.filters.http"
AUDIT, DENY, ALLOW = "reconciler.audit", "reconciler.deny", "reconciler.allow"
GATE = "reconciler.gate"
CSRF, LOCAL_LIMIT = "reconciler.csrf", "reconciler.local_limit"
CORS, FAULT = "reconciler.cors", "reconciler.fault"
ANYWHERE = "reconciler.anywhere"
_RBAC = typed(f"{_HTTP}.rbac.v3.RBAC")
_SERVERS, _CALLERS, _GUARDED = ("Inbound",), ("Outbound", "Gateway"), ("Inbound", "Gateway")

#: name, directions, and what it is before anybody turns it on; in the order in which requests pass them
_TABLE: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    (CORS, _CALLERS, typed(f"{_HTTP}.cors.v3.Cors")),
    (FAULT, _CALLERS, typed(f"{_HTTP}.fault.v3.HTTPFault")),
    (ANYWHERE, ("Outbound",), resolver()),
    (AUDIT, _SERVERS, _RBAC),
    (DENY, _SERVERS, _RBAC),
    (ALLOW, _SERVERS, _RBAC),
    (CSRF, _GUARDED, typed(f"{_HTTP}.csrf.v3.CsrfPolicy", filter_enabled={"default_value": {"numerator": 0}})),
    (LOCAL_LIMIT, _GUARDED, typed(f"{_HTTP}.local_ratelimit.v3.LocalRateLimit", stat_prefix=LOCAL_LIMIT)),
)


def http_filters(
    direction: str, intent: MeshIntent, first: Iterable[dict[str, Any]] = (), last: Iterable[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """``direction``: Inbound | Outbound | Gateway. ``first`` and ``last`` stand around those that are always there:
    filters that no route can bring."""
    fixed = ({"name": name, "typed_config": config} for name, directions, config in _TABLE if direction in directions)
    gate = [{"name": GATE, "typed_config": _RBAC}] if direction in _GUARDED else []
    return [*first, *fixed, *last, *gate, {"name": ROUTER, "typed_config": typed(f"{_HTTP}.router.v3.Router")}]


def filter_names(direction: str) -> list[str]:
    """Of those that are always there, in order."""
    fixed = [name for name, directions, _ in _TABLE if direction in directions]
    return [*fixed, *([GATE] if direction in _GUARDED else []), ROUTER]
