"""What a proxy does with what has arrived for its own service: the listener of each port, its virtual host, and the
cluster that is the service itself. All of a port is one thing, so that none of it is without what guards it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.envoy import access, tokens
from reconciler.adapters.envoy.arrivals import Arrival, arrivals
from reconciler.adapters.envoy.arriving import Arriving, arriving
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.kinds import CLUSTER, LISTENER, VIRTUAL_HOST, resource
from reconciler.adapters.envoy.listeners import inbound_listener
from reconciler.adapters.envoy.pools import thresholds
from reconciler.adapters.envoy.proxy_protocol import announced, asking
from reconciler.adapters.envoy.upstreams import protocol
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import tree
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterator[Built]:
    for arrival in arrivals(intent):
        gaps = Gaps()
        made = list(_http(arrival, intent, gaps) if arrival.is_http else _tcp(arrival, intent, gaps))
        yield built([_cluster(arrival, intent), *made], gaps, arrival.origins, intent, arrival.service)


def _http(arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> Iterator[NativeObject]:
    proxy, origins, found = arrival.proxy, arrival.origins, arriving(arrival, intent, gaps)
    for spec in tokens.clusters(arrival, gaps):
        yield resource(intent, proxy, CLUSTER, spec["name"], spec, origins)
    name = f"{arrival.name}~{arrival.service.label}"
    yield resource(intent, proxy, VIRTUAL_HOST, name, _virtual_host(arrival, found, intent, gaps), origins)
    around = (tokens.filters(arrival, gaps), found.filters)
    yield resource(intent, proxy, LISTENER, arrival.name, inbound_listener(arrival, around, intent), origins)


def _tcp(arrival: Arrival, intent: MeshIntent, gaps: Gaps) -> Iterator[NativeObject]:
    roles = access.of_connections(arrival, intent, gaps)
    spec = inbound_listener(arrival, (roles, []), intent)
    yield resource(intent, arrival.proxy, LISTENER, arrival.name, spec, arrival.origins)


def _virtual_host(arrival: Arrival, found: Arriving, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    settings = {**tokens.turned_on(arrival), **access.of_requests(arrival, intent, gaps), **found.settings}
    return {
        "name": arrival.service.label,
        "domains": ["*"],
        "routes": list(found.routes),
        **({"typed_per_filter_config": settings} if settings else {}),
    }


def _cluster(arrival: Arrival, intent: MeshIntent) -> NativeObject:
    name, port, endpoint = arrival.name, arrival.port, arrival.served.endpoint
    target = endpoint.ports.get(port.name) or (port.target if isinstance(port.target, int) else 0) or port.number
    address = {"endpoint": {"address": socket(arrival.proxy.local, target)}}
    spec: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [address]}]},
    }
    if arrival.is_http:
        options = protocol(port)
        spec["typed_extension_protocol_options"] = {options["@type"].rpartition("/")[2]: options}
    hosts = intent.hosts_by_name.get((arrival.service.name, arrival.service.namespace), ())
    leaves = tuple(leaf for host in hosts for leaf in host.host_leaves)
    spec |= thresholds({}, (), Gaps()) | announced(tree(leaves), {})
    origins = (*arrival.served.destination.origins, *asking(leaves, "traffic.protocol.proxyProtocol"))
    return resource(intent, arrival.proxy, CLUSTER, name, spec, origins)
