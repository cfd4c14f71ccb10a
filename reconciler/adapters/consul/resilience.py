"""Timeouts and retries of a route. Consul has no limit for a single try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section
from reconciler.adapters.retrying import DEFAULT_ATTEMPTS
from reconciler.adapters.versions import before
from reconciler.model.intents import MeshIntent, Route
from reconciler.model.rules import Leaf

#: since when routes name conditions, and not only status codes and failed connections
CONDITIONS_SINCE = "1.14"
#: what a server accepts (agent/structs/config_entry_discoverychain.go, ``validRetryOn``)
_CONDITIONS = (
    "5xx", "gateway-error", "reset", "connect-failure", "envoy-ratelimited", "retriable-4xx", "refused-stream",
    "cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
)  # fmt: skip
#: the same by status codes, for servers that know no others
_CODES = {"5xx": (500, 501, 502, 503, 504), "gateway-error": (502, 503, 504), "retriable-4xx": (409,)}
_CONNECT = "connect-failure"
_BY_STATUS = "retriable-status-codes"
_ASKED = {"attempts", "on", "statusCodes"}


def duration(value: Any, leaf: Leaf | None, gaps: Gaps) -> str:
    """A length of time; one of nothing would be left out by a server, and its own default would hold."""
    length = seconds(value)
    if length is None:
        gaps.error("mesh-invalid-value", f"not a duration: {value!r}", leaf)
    elif not length:
        gaps.error("mesh-inexpressible", "the mesh cannot switch a timeout off: nothing is its own default", leaf)
    return str(value)


def timeouts(route: Route, rule: Mapping[str, Any], gaps: Gaps) -> dict[str, Any]:
    asked = section(rule, "timeout")
    fields = (("request", "requestTimeout"), ("idle", "idleTimeout"))
    return {
        name: duration(asked[field], leaf_at(route.leaves, f"traffic.timeout.{field}"), gaps)
        for field, name in fields
        if field in asked
    }


def retries(route: Route, rule: Mapping[str, Any], intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """Without conditions a request is tried again only where nothing has been done with it yet. No tries is what
    happens without any of this."""
    asked, leaf = section(rule, "retries"), leaf_at(route.leaves, "traffic.retries")
    attempts = int(asked.get("attempts", DEFAULT_ATTEMPTS))
    if not asked.keys() & _ASKED or attempts <= 0:
        return {}
    native: dict[str, Any] = {"numRetries": attempts}
    codes = {int(code) for code in asked.get("statusCodes") or ()}
    names = [str(name) for name in dict.fromkeys(asked.get("on") or ()) if name != _BY_STATUS]
    for name in names:
        if name not in _CONDITIONS:
            known = ", ".join(sorted(_CONDITIONS))
            gaps.error("mesh-invalid-value", f"the mesh does not know the retry condition {name!r}", leaf, known)
    if before(CONDITIONS_SINCE, intent):
        return native | _by_codes(names, codes, leaf, intent, gaps)
    if names:
        native["retryOn"] = names
    if codes:
        native["retryOnStatusCodes"] = sorted(codes)
    return native if names or codes else native | {"retryOnConnectFailure": True}


def _by_codes(names: list[str], codes: set[int], leaf: Leaf | None, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    for name in names:
        codes |= set(_CODES.get(name, ()))
        if name not in _CODES and name != _CONNECT:
            told = f"servers before {CONDITIONS_SINCE} cannot retry on {name!r}; {intent.mesh.version} is there"
            gaps.error("mesh-too-old", told, leaf, f"known there: {', '.join([*_CODES, _CONNECT])}")
    native: dict[str, Any] = {"retryOnStatusCodes": sorted(codes)} if codes else {}
    # a request without an answer is one of 5xx, too
    return native | ({"retryOnConnectFailure": True} if not codes or {_CONNECT, "5xx"} & set(names) else {})
