"""What gateways let in: a Listener for each port, and a VirtualHost for each host with its routes.

Requests that come in by one TLS listener are looked up among its own hosts only: who proved to be somebody there is not
taken for that at another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.envoy import gateway_tls
from reconciler.adapters.envoy.backends import destinations
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.gateway_guards import guarded, in_listener, is_limited, told_apart
from reconciler.adapters.envoy.guarding import guarding
from reconciler.adapters.envoy.kinds import LISTENER, VIRTUAL_HOST, resource, typed
from reconciler.adapters.envoy.listeners import connection_manager
from reconciler.adapters.envoy.passing import named_chains, passed_on
from reconciler.adapters.envoy.ports import Called
from reconciler.adapters.envoy.proxies import Proxy, proxies_of
from reconciler.adapters.envoy.routes import native_routes
from reconciler.adapters.forwarding import check_connections, origins_of
from reconciler.adapters.gaps import Gaps
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.ingress import Listener
from reconciler.model.ingress_intents import GatewayIntent, HostTable
from reconciler.model.intents import Backend, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef

ANY = "*"
_TCP = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
_INSPECTOR = typed("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector")


@dataclass(frozen=True, slots=True)
class Door:
    """A listener of a document at a gateway, with the hosts that are let in there."""

    proxy: Proxy
    asked: GatewayIntent
    listener: Listener

    @property
    def routes(self) -> str:
        """The route configuration: of plain text one for the port, of TLS one for the listener."""
        name = f"gateway.{self.listener.port}"
        return f"{name}.{self.asked.policy.name}-{self.listener.name}" if self.listener.tls else name

    @property
    def tables(self) -> list[HostTable]:
        return [table for table in self.asked.tables if table.listener == self.listener]


def emit(intent: MeshIntent) -> Iterator[Built]:
    for proxy in proxies_of(intent):
        found = [asked for asked in intent.ingress if proxy.gateway and asked.gateway and _is(proxy, asked)]
        all_doors = [Door(proxy, asked, one) for asked in found for one in asked.listeners]
        gaps = Gaps()
        made = [native for port in sorted({one.listener.port for one in all_doors})
                for native in _port([one for one in all_doors if one.listener.port == port], intent, gaps)]  # fmt: skip
        yield built(made, gaps, {origin for asked in found for origin in asked.origins}, intent)


def _is(proxy: Proxy, asked: GatewayIntent) -> bool:
    gateway = asked.gateway
    return gateway is not None and (gateway.namespace, gateway.name) == (proxy.namespace, proxy.name)


def _port(here: list[Door], intent: MeshIntent, gaps: Gaps) -> Iterator[NativeObject]:
    """All that is let in at one port of a gateway."""
    proxy, port = here[0].proxy, here[0].listener.port
    chains = [chain for door in here for chain in _chains(door, _behind(door, here), intent, gaps)]
    if len({str(chain.get("filter_chain_match")) for chain in chains}) < len(chains):
        chains = _without_twins(chains)
    name = f"gateway.{port}"
    spec: dict[str, Any] = {"name": name, "address": socket(proxy.address, port), "traffic_direction": "INBOUND"}
    if any(door.listener.tls for door in here):
        spec["listener_filters"] = [{"name": "envoy.filters.listener.tls_inspector", "typed_config": _INSPECTOR}]
    origins = {origin for door in here for origin in door.asked.own_origins}
    for door in here:
        yield from _hosts(door, _behind(door, here), intent, gaps)
    for routes in sorted({door.routes for door in here if door.listener.carries_http}):
        own = [door for door in here if door.routes == routes]
        if not any(table.host == ANY for door in own for table in door.tables):
            yield _nobody(routes, own, intent, origins)
    for door in (one for one in here if one.listener.finds_its_way):
        yield from passed_on(proxy, intent, door.asked.own_origins)
    origins |= in_listener(route for door in here for route in _behind(door, here))
    yield resource(intent, proxy, LISTENER, name, {**spec, "filter_chains": chains}, origins)


def _without_twins(chains: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Plain text has one chain for all listeners of a port: their hosts lie in one route configuration."""
    found: dict[str, dict[str, Any]] = {}
    for chain in chains:
        found.setdefault(str(chain.get("filter_chain_match")), chain)
    return list(found.values())


def _behind(door: Door, here: list[Door]) -> list[Route]:
    """All routes of the connection manager that a door has, maybe together with others."""
    return [route for one in here if one.routes == door.routes for table in one.tables for route in table.routes]


def _chains(door: Door, behind: list[Route], intent: MeshIntent, gaps: Gaps) -> Iterator[dict[str, Any]]:
    listener = door.listener
    if listener.finds_its_way:
        yield from named_chains(door.proxy, intent)
    elif listener.carries_http:
        guards = guarding(told_apart(behind, behind), intent, gaps).filters
        filters = [connection_manager(door.routes, "Gateway", intent, ((), guards))]
        yield {**_names(listener), "filters": filters, **gateway_tls.secured(listener, intent, gaps)}
    else:
        for table in door.tables:
            check_connections(table, gaps)
            yield _connections(table, door, intent, gaps)


def _names(listener: Listener) -> dict[str, Any]:
    """For which names a filter chain is, of those that callers ask for over TLS."""
    hosts = [host for host in listener.hosts if host != ANY]
    return {"filter_chain_match": {"server_names": hosts}} if listener.tls and hosts else {}


def _connections(table: HostTable, door: Door, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """Where no requests are seen, the first route says where connections go."""
    passed = door.listener.tls is not None and table.host != ANY
    matched = {"filter_chain_match": {"server_names": [table.host]}} if passed else {}
    forward = [destinations(_aimed(route, intent, gaps), _called(door), intent, gaps) for route in table.routes[:1]]
    name = f"gateway.{door.listener.port}.{table.host.replace('*', 'any')}"
    config = typed(_TCP, stat_prefix=name, **(_shares(forward[0]) if forward else {"cluster": "nobody"}))
    filters = [{"name": "envoy.filters.network.tcp_proxy", "typed_config": config}]
    ended = gateway_tls.secured(door.listener, intent, gaps)
    return {**matched, "filters": filters, **ended}


def _shares(forward: Mapping[str, Any]) -> dict[str, Any]:
    if "weighted_clusters" not in forward:
        return dict(forward)
    parts = [{"name": one["name"], "weight": one["weight"]} for one in forward["weighted_clusters"]["clusters"]]
    return {"weighted_clusters": {"clusters": [one for one in parts if one["weight"]]}}


def _hosts(door: Door, behind: list[Route], intent: MeshIntent, gaps: Gaps) -> Iterator[NativeObject]:
    found = guarding(told_apart(behind, behind), intent, gaps)
    for table in door.tables if door.listener.carries_http else ():
        routes = [
            guarded(native, route, found, gaps)
            for route in told_apart(table.routes, behind)
            for native in native_routes(_aimed(route, intent, gaps), _called(door), intent, gaps)
        ]
        name = table.host.replace("*", "any")
        spec: dict[str, Any] = {"name": name, "domains": _domains(table.host, door.listener.port), "routes": routes}
        if is_limited(table.routes):
            spec["typed_per_filter_config"] = found.settings
        origins = origins_of(table, door.asked)
        yield resource(intent, door.proxy, VIRTUAL_HOST, f"{door.routes}~{name}", spec, origins)


def _domains(host: str, port: int) -> list[str]:
    return [host] if host == ANY else [host, f"{host}:{port}"]


def _nobody(routes: str, here: list[Door], intent: MeshIntent, origins: set[Origin]) -> NativeObject:
    """Hosts that no document lets in. A route configuration has to be there before a listener reads it."""
    answer = [{"match": {"prefix": "/"}, "direct_response": {"status": 404}}]
    spec = {"name": "unknown", "domains": [ANY], "routes": answer}
    return resource(intent, here[0].proxy, VIRTUAL_HOST, f"{routes}~unknown", spec, origins)


def _called(door: Door) -> Called:
    """What a gateway is called at is its own port, which says nothing of the port of a service."""
    port = PortFacts(door.listener.port)
    return Called(ServiceFacts(ServiceRef(door.proxy.name, door.proxy.namespace), ports=(port,)), port)


def _aimed(route: Route, intent: MeshIntent, gaps: Gaps) -> Route:
    """With a port for each backend: that which is named, or the only one."""
    backends = tuple(_with_port(one, intent, gaps) for one in route.backends)
    mirrors = tuple(_with_port(one, intent, gaps) for one in route.mirrors)
    return replace(route, backends=backends, mirrors=mirrors, sources=())


def _with_port(backend: Backend, intent: MeshIntent, gaps: Gaps) -> Backend:
    facts = intent.cluster.service(backend.service.name, backend.service.namespace)
    if backend.port or facts is None:
        return backend
    if len(facts.ports) > 1:
        message = f"{backend.service.label} has several ports, and a gateway has to know which one is meant"
        gaps.error("port-needed", message, hint="write the port in the entry of the route")
    return replace(backend, port=facts.ports[0].number) if facts.ports else backend
