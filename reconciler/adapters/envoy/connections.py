"""TCP services at callers: a listener for each port, at the caller's own address, and where its connections go.

No requests are seen here, so policies are said by the listener itself: changing them ends its connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.backends import destinations
from reconciler.adapters.envoy.bootstrap import ADMIN_PORT, socket
from reconciler.adapters.envoy.hashing import hash_policies
from reconciler.adapters.envoy.kinds import LISTENER, resource, typed
from reconciler.adapters.envoy.listeners import OUTBOUND_PORT
from reconciler.adapters.envoy.ports import Called, facts_of, number_of
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.envoy.retries import timeouts
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import tree
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import Backend, HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef
from reconciler.model.selectors import Match

_PROXY = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
#: what it says is for every service, whatever each one speaks
_GROUP = "VirtualMesh"
_OWN = {OUTBOUND_PORT: "the proxy's own listener", ADMIN_PORT: "the proxy's administration"}


class Connections:
    """The listeners of callers for services whose requests nobody sees."""

    def __init__(self, intent: MeshIntent) -> None:
        self._intent = intent
        self._first = _first_by_port(intent)

    def of(
        self, facts: ServiceFacts, host: HostIntent | None, proxy: Proxy, told: tuple[Gaps, tuple[Origin, ...]]
    ) -> Iterator[NativeObject]:
        """None for a service that the proxy stands before, whose own port is there already."""
        gaps, origins = told
        ports = [one for one in facts.ports if not names.is_http(one)]
        if not ports or any(one.service == facts.ref for one in proxy.served):
            return
        holders = {**self._first, **_own(proxy, self._intent)}
        for port in ports:
            called, holder = Called(facts, port), holders.get(port.number)
            route = _route(called, host, proxy)
            if holder not in (facts.ref, None):
                _tell_taken(called, holder, proxy, gaps)
            elif route is not None:
                name = f"{names.OUTBOUND}.{names.upstream(facts.ref, port.number)}"
                spec = _listener(name, proxy, port.number, _forward(route, called, self._intent, gaps))
                yield resource(self._intent, proxy, LISTENER, name, spec, origins)


def _tell_taken(called: Called, holder: ServiceRef | str | None, proxy: Proxy, gaps: Gaps) -> None:
    taken = holder.label if isinstance(holder, ServiceRef) else holder
    where = f"port {called.port.number} at {proxy.local} of proxy {proxy.namespace}/{proxy.name}"
    hint = "give the service another port, or the machine's workloads addresses of their own"
    told = f"calls to {called.service.ref.label} have no way: {where} is {taken}"
    gaps.warning("port-taken", told, None, hint)


def tell_unseen(host: HostIntent, facts: ServiceFacts, gaps: Gaps) -> None:
    """Routes about requests, where only connections are seen."""
    if not facts.ports or any(names.is_http(port) for port in facts.ports):
        return
    told = f"no port of {host.service.label} carries HTTP, so"
    if any(map(_is_http, host.routes)):
        gaps.warning("http-route-on-tcp", f"{told} its routes have no effect", hint="declare what its ports speak")
    for leaf in host.host_leaves:
        if leaf.path.startswith("traffic.connections.http") and leaf.policy.kind != _GROUP:
            gaps.warning("leaf-cancelled", f"{told} {leaf.path} has no effect", leaf)


def _is_http(route: Route) -> bool:
    conditions = any(replace(match, ports=()) != Match() for match in route.matches)
    meant = (leaf for leaf in route.leaves if leaf.policy.kind != _GROUP and leaf.path != "traffic.timeout.idle")
    return conditions or bool(route.mirrors) or any(True for _ in meant)


def _own(proxy: Proxy, intent: MeshIntent) -> Mapping[int, ServiceRef | str]:
    """What listens at the address where a proxy's services make their calls."""
    found: dict[int, ServiceRef | str] = dict(_OWN)
    for one in proxy.served:
        facts = intent.cluster.service(one.service.name, one.service.namespace)
        for port in facts.ports if facts else ():
            target = port.target if isinstance(port.target, int) and port.target else port.number
            found.setdefault(one.endpoint.ports.get(port.name) or target, one.service)
            if proxy.address == proxy.local:
                found.setdefault(port.number, one.service)
    return found


def _first_by_port(intent: MeshIntent) -> Mapping[int, ServiceRef | str]:
    """Of several services with one port the first by name has it."""
    found: dict[int, ServiceRef | str] = {}
    for destination in sorted(intent.destinations, key=lambda one: one.service.label):
        facts = facts_of(destination, intent)
        for port in facts.ports if facts else ():
            if not names.is_http(port):
                found.setdefault(port.number, facts.ref if facts else destination.service)
    return found


def _route(called: Called, host: HostIntent | None, proxy: Proxy) -> Route | None:
    """The first that is about all connections of a port; None where they are rejected."""
    itself = Route((), (), (Backend(called.service.ref, 1),), (), (), ())
    meant = (one for one in (host.routes if host else ()) if proxy.is_among(one.sources) and _takes(one, called))
    route = next(meant, itself)
    return None if route.reject else route


def _takes(route: Route, called: Called) -> bool:
    return not route.matches or any(
        replace(match, ports=()) == Match()
        and called.port.number in {number_of(port, called.service) for port in match.ports}
        for match in route.matches
    )


def _forward(route: Route, called: Called, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    found = destinations(route, called, intent, gaps)
    if "weighted_clusters" in found:
        shares = [{"name": one["name"], "weight": one["weight"]} for one in found["weighted_clusters"]["clusters"]]
        found = {"weighted_clusters": {"clusters": [one for one in shares if one["weight"]]}}
    hashed = hash_policies(route, intent, gaps).get("hash_policy", ())
    from_address = any("connection_properties" in one for one in hashed)
    by_address: dict[str, Any] = {"hash_policy": [{"source_ip": {}}]} if from_address else {}
    idle = timeouts(route, tree(route.leaves), gaps).get("idle_timeout", "0s")
    return {**found, **by_address, "idle_timeout": idle}


def _listener(name: str, proxy: Proxy, port: int, forward: Mapping[str, Any]) -> dict[str, Any]:
    config = typed(_PROXY, stat_prefix=name, **forward)
    chain = {"filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": config}]}
    return {
        "name": name,
        "address": socket(proxy.local, port),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [chain],
    }
