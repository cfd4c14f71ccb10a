"""Puts the patches of EnvoyFilter objects into a small proxy configuration, the way the mesh's control plane would.

Only what the cases use: filters before the router, virtual hosts, routes, clusters and network filters that are merged.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]
MANAGER = "envoy.filters.network.http_connection_manager"
TCP = "envoy.filters.network.tcp_proxy"


def bootstrap(patches: list[Body]) -> dict[str, Any]:
    """A configuration with one HTTP and one TCP listener, patched."""
    host = {"name": "inbound", "domains": ["*"], "routes": [_route()]}
    clusters = {"": _cluster("service")} | {name: _cluster(name) for name in sorted(_named(patches))}
    filters: list[Any] = [
        {"name": "envoy.filters.http.router", "typed_config": {"@type": _of("http.router.v3.Router")}}
    ]
    tcp: dict[str, Any] = {"name": TCP, "typed_config": _tcp()}
    for patch in patches:
        value = copy.deepcopy(patch["patch"].get("value", {}))
        match patch["applyTo"], patch["patch"]["operation"]:
            case "HTTP_FILTER", "INSERT_BEFORE":
                filters.insert(len(filters) - 1, value)
            case "HTTP_FILTER", "INSERT_FIRST":
                filters.insert(0, value)
            case "VIRTUAL_HOST", "MERGE":
                host = merged(host, value)
            case "HTTP_ROUTE", "MERGE":
                host["routes"] = [merged(route, value) for route in host["routes"]]
            case "CLUSTER", "MERGE":
                meant = json.dumps(patch["match"], sort_keys=True)
                clusters[meant] = merged(clusters.get(meant, _cluster(meant)), value)
            case "NETWORK_FILTER", "MERGE":
                tcp = merged(tcp, value)
            case other:
                raise NotImplementedError(f"no case had {other} so far: say here where it goes")
    manager = {
        "@type": _of("network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "in",
    }
    manager |= {"http_filters": filters, "route_config": {"name": "r", "virtual_hosts": [host]}}
    listeners = [_listener("http", {"name": MANAGER, "typed_config": manager}), _listener("tcp", tcp)]
    return {"static_resources": {"listeners": listeners, "clusters": list(clusters.values())}}


def patches_by_proxy(objects: list[Body]) -> dict[str, list[Body]]:
    """Those of every EnvoyFilter among the objects, by the workloads that it selects, in the order of being applied."""
    found = [body for body in objects if body["kind"] == "EnvoyFilter"]
    found.sort(key=lambda body: body["spec"].get("priority", 0))
    proxies: dict[str, list[Body]] = {}
    for body in found:
        chosen = [body["spec"].get("workloadSelector"), body["spec"].get("targetRefs")]
        proxies.setdefault(json.dumps([body["metadata"]["namespace"], chosen]), []).extend(
            body["spec"]["configPatches"]
        )
    return proxies


def merged(base: Any, patch: Any) -> Any:
    """As protocol buffers merge: messages field by field, lists one after the other."""
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        return {**base, **{key: merged(base[key], value) if key in base else value for key, value in patch.items()}}
    if isinstance(base, list) and isinstance(patch, list):
        return [*base, *patch]
    return patch


def _of(name: str) -> str:
    return f"type.googleapis.com/envoy.extensions.filters.{name}"


def _tcp() -> dict[str, Any]:
    return {"@type": _of("network.tcp_proxy.v3.TcpProxy"), "stat_prefix": "tcp", "cluster": "service"}


def _route() -> dict[str, Any]:
    return {"name": "default", "match": {"prefix": "/"}, "route": {"cluster": "service"}}


def _cluster(name: str) -> dict[str, Any]:
    place = {"socket_address": {"address": "127.0.0.1", "port_value": 9}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": place}}]}]
    kind = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    http = {"@type": kind, "explicit_http_config": {"http2_protocol_options": {}}}  # as the mesh has it for gRPC
    return {
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http},
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }


def _listener(name: str, network_filter: Body) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    return {"name": name, "address": address, "filter_chains": [{"filters": [network_filter]}]}


def _named(node: Any) -> set[str]:
    """Names of clusters that patches refer to."""
    return {text for text in _texts(node) if text.startswith(("outbound|", "inbound|"))}


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for value in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _texts(value)
