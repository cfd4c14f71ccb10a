"""Listener: where a proxy takes calls. It stays the same while policies change, which are all said by virtual hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.adapters.built import Built
from reconciler.adapters.envoy import audited, names
from reconciler.adapters.envoy.arrivals import Arrival
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.doors import Door, door
from reconciler.adapters.envoy.filters import AUDIT, http_filters
from reconciler.adapters.envoy.identity import DISABLED, PERMISSIVE, mode_of, server_tls
from reconciler.adapters.envoy.kinds import LISTENER, files, resource, typed
from reconciler.adapters.envoy.proxies import Proxy, proxies_of
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

OUTBOUND_PORT = 15001
_FILTERS = "envoy.extensions.filters"
#: what proxies say to each other by headers, and nobody from outside may: they are taken off before anything is read
_AMONG_PROXIES = (
    "attempt-count", "decorator-operation", "expected-rq-timeout-ms", "external-address", "force-trace",
    "hedge-on-per-try-timeout", "internal", "ip-tags", "max-retries", "original-path", "retriable-header-names",
    "retriable-status-codes", "retry-grpc-on", "retry-on", "upstream-alt-stat-name", "upstream-rq-per-try-timeout-ms",
    "upstream-rq-timeout-ms",
)  # fmt: skip
_OUTSIDE = {
    "use_remote_address": True,
    "internal_address_config": {"unix_sockets": False},
    "preserve_external_request_id": True,
    "early_header_mutation_extensions": [
        {
            "name": "envoy.http.early_header_mutation.header_mutation",
            "typed_config": typed(
                "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
                mutations=[{"remove": f"x-envoy-{name}"} for name in _AMONG_PROXIES],
            ),
        }
    ],
}
Around = tuple[Iterable[dict[str, Any]], Iterable[dict[str, Any]]]


def emit(intent: MeshIntent) -> Iterator[Built]:
    for proxy in proxies_of(intent):
        if proxy.served:
            yield Built((_outbound(proxy, intent),))


def _outbound(proxy: Proxy, intent: MeshIntent) -> NativeObject:
    chain = {"filters": [connection_manager(names.OUTBOUND, "Outbound", intent)]}
    spec = {
        "name": names.OUTBOUND,
        "address": socket(proxy.local, OUTBOUND_PORT),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [chain],
    }
    return resource(intent, proxy, LISTENER, names.OUTBOUND, spec, proxy.origins)


def inbound_listener(arrival: Arrival, around: Around, intent: MeshIntent) -> dict[str, Any]:
    """``around``: the filters before and after those that always are there."""
    return {
        "name": arrival.name,
        "address": socket(arrival.proxy.address, arrival.port.number),
        "traffic_direction": "INBOUND",
        **_chains(_network_filters(arrival, around, intent), mode_of(arrival.service, intent), door(arrival, intent)),
    }


def _network_filters(arrival: Arrival, around: Around, intent: MeshIntent) -> list[dict[str, Any]]:
    name = arrival.name
    if arrival.is_http:
        return [connection_manager(name, "Inbound", intent, around)]
    log = audited.of_connections() if any(one["name"] == AUDIT for one in around[0]) else []
    logged = {"access_log": log} if log else {}
    proxy = typed(f"{_FILTERS}.network.tcp_proxy.v3.TcpProxy", stat_prefix=name, cluster=name, **logged)
    return [*around[0], {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]


def _chains(filters: Sequence[Mapping[str, Any]], mode: str, at: Door) -> dict[str, Any]:
    """Strict: TLS only. Permissive: both, told apart by the first bytes. Disabled: plain text only. The inspector tells
    rules the name that a caller asks for, too."""
    plain, secure = {"filters": filters}, {"filters": filters, **server_tls(at.names)}
    if mode == DISABLED:
        return {"filter_chains": [plain]}
    inspector = typed(f"{_FILTERS}.listener.tls_inspector.v3.TlsInspector")
    listener_filters = [{"name": "envoy.filters.listener.tls_inspector", "typed_config": inspector}]
    if mode == PERMISSIVE and at.plain:
        matched = {"filter_chain_match": {"transport_protocol": "tls"}, **secure}
        unsecured = {"filter_chain_match": {"transport_protocol": "raw_buffer"}, **plain}
        return {"listener_filters": listener_filters, "filter_chains": [matched, unsecured]}
    return {"listener_filters": listener_filters, "filter_chains": [secure]}


def connection_manager(name: str, direction: str, intent: MeshIntent, around: Around = ((), ())) -> dict[str, Any]:
    """The filter that reads requests. ``name`` is that of its route configuration, too. Inbound: the service gets the
    identity of its caller in ``x-forwarded-client-cert``, and nobody else's word for it."""
    inbound = direction == "Inbound"
    identity = {
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"uri": True},
        "access_log": audited.of_requests(),
    }
    manager = typed(
        f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        rds={"route_config_name": name, "config_source": files(f"routes/{name}.json")},
        http_filters=http_filters(direction, intent, *around),
        normalize_path=True,
        merge_slashes=False,
        stream_idle_timeout="0s",
        **(identity if inbound else {}),
        **(_OUTSIDE if direction == "Gateway" else {}),
    )
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
