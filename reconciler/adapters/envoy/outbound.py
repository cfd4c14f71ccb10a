"""VirtualHost of a caller's proxy: for each service that it knows, the routes that policies ask of its callers."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.adapters.built import Built, built
from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.connections import Connections, tell_unseen
from reconciler.adapters.envoy.egress import unknown_hosts
from reconciler.adapters.envoy.kinds import VIRTUAL_HOST, resource
from reconciler.adapters.envoy.outside import is_visible
from reconciler.adapters.envoy.ports import facts_of
from reconciler.adapters.envoy.proxies import Proxy, proxies_of
from reconciler.adapters.envoy.reach import knows
from reconciler.adapters.envoy.routes import Routes
from reconciler.adapters.envoy.upstreams import Upstreams
from reconciler.adapters.envoy.versions import check_versions
from reconciler.adapters.gaps import Gaps
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject


def emit(intent: MeshIntent) -> Iterator[Built]:
    """By service, so that what cannot be said of one leaves the others."""
    proxies, connections = proxies_of(intent), Connections(intent)
    for destination in intent.destinations:
        service = destination.service
        host = next(iter(intent.hosts_by_name.get((service.name, service.namespace), ())), None)
        gaps, origins = Gaps(), (*destination.origins, *(host.origins if host else ()))
        callers = [one for one in proxies if is_visible(destination, one) and knows(one, destination, intent)]
        clusters = Upstreams(destination, host, intent, gaps)
        made = [native for proxy in callers for native in clusters.of(proxy)]
        if facts := facts_of(destination, intent):
            routes = Routes(facts, host, intent, gaps)
            for proxy in (one for one in callers if one.served):
                made += _virtual_hosts(facts, destination.hosts, routes, proxy, (intent, origins))
                made += connections.of(facts, host, proxy, (gaps, origins))
        if host is not None:
            check_versions(host, intent, gaps)
        if host is not None and facts is not None:
            tell_unseen(host, facts, gaps)
        yield built(made, gaps, origins, intent, service)
    yield from (Built(tuple(unknown_hosts(proxy, intent))) for proxy in proxies if proxy.served)


def _virtual_hosts(
    facts: ServiceFacts,
    hosts: tuple[str, ...],
    routes: Routes,
    proxy: Proxy,
    place: tuple[MeshIntent, tuple[Origin, ...]],
) -> Iterator[NativeObject]:
    intent, origins = place
    for port in (one for one in facts.ports if names.is_http(one)):
        name, domains = names.virtual_host(facts.ref, port.number), names.domains(facts, hosts, port, proxy)
        spec = {"name": name, "domains": list(domains), "routes": routes.of(port, proxy)}
        yield resource(intent, proxy, VIRTUAL_HOST, f"{names.OUTBOUND}~{name}", spec, origins)
