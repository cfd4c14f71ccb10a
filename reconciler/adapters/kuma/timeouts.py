"""MeshTimeout: what holds for requests, and for connections to a service. What it does not say stays as a wider policy
has it, first of all the one that the control plane makes for every mesh."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.lengths import duration
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import HostIntent, Route

Native = dict[str, Any]


def of_route(route: Route, gaps: Gaps, *, whole: bool) -> Native:
    """``default.http`` of a route. ``whole``: it is said of all requests to the service, else of some routes, where the
    mesh takes no longest stream (pkg/plugins/policies/meshtimeout/api/v1alpha1/validator.go)."""
    asked, leaf = section(tree(route.leaves), "timeout"), leaf_at(route.leaves, "traffic.timeout")
    native: Native = {}
    if "request" in asked:
        native["requestTimeout"] = duration(asked["request"], leaf, gaps)
    if "idle" in asked:
        native["streamIdleTimeout"] = duration(asked["idle"], leaf, gaps)
    if "stream" in asked:
        native["maxStreamDuration"] = duration(asked["stream"], leaf, gaps)
        if not whole:
            said = leaf_at(route.leaves, "traffic.timeout.stream")
            gaps.error("mesh-inexpressible", "the mesh limits streams for all requests to a service alike", said)
    return native


def of_host(host: HostIntent, gaps: Gaps) -> Native:
    """``default`` of a service as a whole: its connections."""
    rule = tree(host.host_leaves)
    connections = section(rule, "connections")
    tcp, native = section(connections, "tcp"), {}
    leaf = leaf_at(host.host_leaves, "traffic.connections.tcp.connectTimeout")
    if "connectTimeout" in tcp:
        native["connectionTimeout"] = duration(tcp["connectTimeout"], leaf, gaps)
    if "connect" in section(rule, "timeout"):
        leaf = leaf_at(host.host_leaves, "traffic.timeout.connect")
        native["connectionTimeout"] = duration(section(rule, "timeout")["connect"], leaf, gaps)
    if "idle" in section(connections, "http"):
        leaf = leaf_at(host.host_leaves, "traffic.connections.http.idle")
        native["idleTimeout"] = duration(section(connections, "http")["idle"], leaf, gaps)
    return native


def of_destination(http: Native) -> Native:
    """``default`` of what a part of a service has by itself, of all that is said of requests to the service."""
    return {"http": {"maxStreamDuration": http["maxStreamDuration"]}} if "maxStreamDuration" in http else {}


def interplay(route: Route, retry: Native, native: Native, gaps: Gaps) -> None:
    """Warns where the timeout ends before every try can."""
    limit, each = seconds(native.get("requestTimeout")), seconds(retry.get("perTryTimeout"))
    tries = int(retry.get("numRetries", 0)) + 1
    if limit and each and tries > 1 and limit < each * tries:
        gaps.warning(
            "timeout-cuts-retries",
            f"the timeout of {native['requestTimeout']} ends before {tries} tries of {retry['perTryTimeout']} can",
            leaf_at(route.leaves, "traffic.retries"),
            f"at least {float(each * tries):g}s lets every try end",
        )
