"""Listener: where a proxy takes calls. It stays the same while policies change, which are all said by virtual hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.adapters.built import Built
from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.filters import http_filters
from reconciler.adapters.envoy.identity import DISABLED, STRICT, mode_of, server_tls
from reconciler.adapters.envoy.kinds import LISTENER, files, resource, typed
from reconciler.adapters.envoy.proxies import Proxy, Served, proxies_of
from reconciler.model.facts import PortFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

OUTBOUND_PORT = 15001
_FILTERS = "envoy.extensions.filters"


def emit(intent: MeshIntent) -> Iterator[Built]:
    for proxy in proxies_of(intent):
        for served in proxy.served:
            facts = intent.cluster.service(served.service.name, served.service.namespace)
            for port in facts.ports if facts else ():
                yield Built((_inbound(proxy, served, port, intent),))
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


def _inbound(proxy: Proxy, served: Served, port: PortFacts, intent: MeshIntent) -> NativeObject:
    name = names.inbound(port.number)
    spec: dict[str, Any] = {
        "name": name,
        "address": socket(proxy.address, port.number),
        "traffic_direction": "INBOUND",
        **_chains(_network_filters(name, port, intent), mode_of(served.service, intent), intent),
    }
    return resource(intent, proxy, LISTENER, name, spec, served.destination.origins)


def _network_filters(name: str, port: PortFacts, intent: MeshIntent) -> list[dict[str, Any]]:
    if names.is_http(port):
        return [connection_manager(name, "Inbound", intent)]
    proxy = typed(f"{_FILTERS}.network.tcp_proxy.v3.TcpProxy", stat_prefix=name, cluster=name)
    return [{"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}]


def _chains(filters: Sequence[Mapping[str, Any]], mode: str, intent: MeshIntent) -> dict[str, Any]:
    """Strict: TLS only. Permissive: both, told apart by the first bytes. Disabled: plain text only."""
    plain, secure = {"filters": filters}, {"filters": filters, **server_tls(intent)}
    if mode == DISABLED:
        return {"filter_chains": [plain]}
    if mode == STRICT:
        return {"filter_chains": [secure]}
    inspector = typed(f"{_FILTERS}.listener.tls_inspector.v3.TlsInspector")
    matched = {"filter_chain_match": {"transport_protocol": "tls"}, **secure}
    return {
        "listener_filters": [{"name": "envoy.filters.listener.tls_inspector", "typed_config": inspector}],
        "filter_chains": [matched, {"filter_chain_match": {"transport_protocol": "raw_buffer"}, **plain}],
    }


def connection_manager(name: str, direction: str, intent: MeshIntent) -> dict[str, Any]:
    """The filter that reads requests. ``name`` is that of its route configuration, too. Inbound: the service gets the
    identity of its caller in ``x-forwarded-client-cert``, and nobody else's word for it."""
    inbound = direction == "Inbound"
    identity = {"forward_client_cert_details": "SANITIZE_SET", "set_current_client_cert_details": {"uri": True}}
    manager = typed(
        f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        rds={"route_config_name": name, "config_source": files(f"routes/{name}.json")},
        http_filters=http_filters(direction, intent),
        normalize_path=True,
        merge_slashes=False,
        stream_idle_timeout="0s",
        **(identity if inbound else {}),
    )
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
