"""Hosts outside of the mesh: where a proxy finds them, and which proxies know them."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.egress import looked_up
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.gaps import Gaps
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import Endpoint
from reconciler.model.facts import PortFacts

_TYPES = {"Static": "STATIC", "Dns": "STRICT_DNS"}


def is_visible(destination: DestinationIntent, proxy: Proxy) -> bool:
    return not destination.visible_to or proxy.namespace in destination.visible_to


def found_outside(name: str, destination: DestinationIntent, port: PortFacts, gaps: Gaps) -> dict[str, Any]:
    """Type and endpoints of a Cluster; with Dynamic it asks DNS for the host of each request."""
    if destination.resolution == "Dynamic":
        return looked_up()
    if destination.resolution not in _TYPES:
        told = f"calls go to proxies by name, so {destination.hosts[0]} has to be looked up: no other address is known"
        gaps.error("mesh-inexpressible", told, None, "say resolution Dns, Dynamic or Static")
    places = destination.endpoints or tuple(Endpoint(host) for host in destination.hosts)
    if wild := [one.address for one in places if "*" in one.address]:
        gaps.error("mesh-inexpressible", f"{wild[0]} cannot be looked up: give endpoints, or resolution Dynamic")
    endpoints = [_endpoint(one, port) for one in places]
    assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}
    return {"type": _TYPES.get(destination.resolution, "STATIC"), "load_assignment": assignment}


def proved_by_request(destination: DestinationIntent) -> dict[str, Any]:
    """Options of HTTP to a host that each request names: over TLS it is asked for, and has to be, that very host."""
    if destination.resolution != "Dynamic":
        return {}
    return {"upstream_http_protocol_options": {"auto_sni": True, "auto_san_validation": True}}


def _endpoint(endpoint: Endpoint, port: PortFacts) -> dict[str, Any]:
    target = port.target if isinstance(port.target, int) and port.target else port.number
    place = {"endpoint": {"address": socket(endpoint.address, endpoint.ports.get(port.name, target))}}
    return {**place, "load_balancing_weight": endpoint.weight} if endpoint.weight else place
