"""MeshRetry: retries of requests, for HTTP and for gRPC apart. What it does not say stays as a wider policy has it:
the control plane makes one for every mesh, with five retries, so that a count of 0 is written and not left out.

Without conditions the mesh retries on gateway errors, failed connections and refused streams; status codes are added
to those (pkg/plugins/policies/meshretry/plugin/xds/configurer.go), so that codes alone are said beside a condition
that is never met. Conditions are spelt as the validator compares them: `5xx`, where the documentation of the field says
5XX (pkg/plugins/policies/meshretry/api/v1alpha1/{meshretry,validator}.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.lengths import duration
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import Route
from reconciler.model.rules import Leaf

Native = dict[str, Any]
HTTP = {
    "5xx": "5xx",
    "gateway-error": "GatewayError",
    "reset": "Reset",
    "retriable-4xx": "Retriable4xx",
    "connect-failure": "ConnectFailure",
    "refused-stream": "RefusedStream",
    "http3-post-connect-failure": "Http3PostConnectFailure",
    "envoy-ratelimited": "EnvoyRatelimited",
}
GRPC = {
    "cancelled": "Canceled",
    "deadline-exceeded": "DeadlineExceeded",
    "internal": "Internal",
    "resource-exhausted": "ResourceExhausted",
    "unavailable": "Unavailable",
}
#: by its numbers alone
_BY_STATUS = "retriable-status-codes"
_NEVER = "Http3PostConnectFailure"
#: the least one that the definitions have, and so what is written
_UPDATE_FREQUENCY = 2


def of_route(route: Route, gaps: Gaps) -> Native:
    """What is said of retries by HTTP and gRPC alike, with ``on`` of each under its own name; {} for nothing."""
    asked, leaf = section(tree(route.leaves), "retries"), leaf_at(route.leaves, "traffic.retries")
    native: Native = {}
    if "attempts" in asked:
        native["numRetries"] = max(0, int(asked["attempts"]))
    if "perTry" in asked:
        native["perTryTimeout"] = duration(asked["perTry"], leaf, gaps)
    backoff = section(asked, "backoff")
    names = {"base": "baseInterval", "max": "maxInterval"}
    if wait := {name: duration(backoff[field], leaf, gaps) for field, name in names.items() if field in backoff}:
        native["backOff"] = wait
    native |= _conditions(asked, leaf, gaps)
    if asked.get("otherLocalities"):
        native["hostSelection"] = [{"predicate": "OmitPreviousPriorities", "updateFrequency": _UPDATE_FREQUENCY}]
    return native


def _conditions(asked: Mapping[str, Any], leaf: Leaf | None, gaps: Gaps) -> Native:
    names = [str(name) for name in asked.get("on") or () if name != _BY_STATUS]
    for name in names:
        if name not in HTTP and name not in GRPC:
            known = ", ".join(sorted({*HTTP, *GRPC, _BY_STATUS}))
            told = f"the mesh does not know the retry condition {name!r}"
            gaps.error("mesh-inexpressible", told, leaf, f"known: {known}")
    http = [HTTP[name] for name in names if name in HTTP]
    codes = [str(code) for code in asked.get("statusCodes") or ()]
    if codes and not http:
        http = [_NEVER]
    grpc = [GRPC[name] for name in names if name in GRPC]
    return ({"http": [*http, *codes]} if http else {}) | ({"grpc": grpc} if grpc else {})


def default(said: Native, grpc: tuple[bool, bool], route: Route, gaps: Gaps) -> Native:
    """``default`` of a policy. ``grpc``: whether there are ports that speak it, and others."""
    leaf = leaf_at(route.leaves, "traffic.retries")
    common = {name: value for name, value in said.items() if name not in ("http", "grpc", "hostSelection")}
    has_grpc, has_http = grpc
    if "grpc" in said and "http" not in said and not has_grpc:
        told = "the mesh retries on statuses of gRPC at ports that are declared to speak it only"
        gaps.error("mesh-inexpressible", told, leaf, "set appProtocol: grpc")
    if has_grpc and ("hostSelection" in said or ("http" in said and "grpc" not in said)):
        told = "at a port that speaks gRPC the mesh retries on statuses of gRPC only, and chooses no other localities"
        gaps.error("mesh-inexpressible", told, leaf, "name conditions of gRPC")
    native: Native = {}
    if has_http:
        native["http"] = common | {key: said[name] for name, key in _OF_HTTP if name in said}
    if has_grpc:
        native["grpc"] = common | ({"retryOn": said["grpc"]} if "grpc" in said else {})
    return {name: part for name, part in native.items() if part}


_OF_HTTP = (("http", "retryOn"), ("hostSelection", "hostSelection"))
