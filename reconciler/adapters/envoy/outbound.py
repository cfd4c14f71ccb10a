"""VirtualHost of a caller's proxy: for each service that it knows, the routes that policies ask of its callers."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.adapters.built import Built, built
from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.connections import tcp_listeners, tell_unseen
from reconciler.adapters.envoy.egress import unknown_hosts
from reconciler.adapters.envoy.kinds import VIRTUAL_HOST, resource
from reconciler.adapters.envoy.outside import is_visible
from reconciler.adapters.envoy.ports import facts_of
from reconciler.adapters.envoy.proxies import Proxy, proxies_of
from reconciler.adapters.envoy.reach import knows
from reconciler.adapters.envoy.routes import Called, default_route, routes_of
from reconciler.adapters.envoy.upstreams import upstreams
from reconciler.adapters.gaps import Gaps
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterator[Built]:
    """By service, so that what cannot be said of one leaves the others."""
    proxies = proxies_of(intent)
    for destination in intent.destinations:
        service = destination.service
        host = next(iter(intent.hosts_by_name.get((service.name, service.namespace), ())), None)
        facts, gaps, made = facts_of(destination, intent), Gaps(), list[NativeObject]()
        origins = (*destination.origins, *(host.origins if host else ()))
        for proxy in (one for one in proxies if is_visible(destination, one) and knows(one, destination, intent)):
            made += upstreams(destination, host, proxy, intent, gaps)
            if proxy.served and facts is not None:
                made += _virtual_hosts(facts, destination, proxy, intent, gaps)
                made += tcp_listeners(facts, host, proxy, intent, (gaps, origins))
        if host is not None and facts is not None:
            tell_unseen(host, facts, gaps)
        yield built(made, gaps, origins, intent, service)
    yield from (Built(tuple(unknown_hosts(proxy, intent))) for proxy in proxies if proxy.served)


def _virtual_hosts(
    facts: ServiceFacts, destination: DestinationIntent, proxy: Proxy, intent: MeshIntent, gaps: Gaps
) -> Iterator[NativeObject]:
    for port in (one for one in facts.ports if names.is_http(one)):
        yield _virtual_host(Called(facts, port), destination, proxy, intent, gaps)


def _virtual_host(
    called: Called, destination: DestinationIntent, proxy: Proxy, intent: MeshIntent, gaps: Gaps
) -> NativeObject:
    service = called.service.ref
    host = next(iter(intent.hosts_by_name.get((service.name, service.namespace), ())), None)
    found = names.domains(called.service, destination.hosts, called.port, proxy)
    name = names.virtual_host(service, called.port.number)
    routes = routes_of(host, called, proxy, intent, gaps) if host else [default_route(called)]
    spec = {"name": name, "domains": list(found), "routes": routes}
    origins = (*destination.origins, *(host.origins if host else ()))
    return resource(intent, proxy, VIRTUAL_HOST, f"{names.OUTBOUND}~{name}", spec, origins)
