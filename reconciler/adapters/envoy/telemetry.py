"""Telemetry: what the proxies of a scope log, trace and let be measured. Their listeners are changed by it, since
nothing of this can be said by routes, and what they are started with; what it needs besides is here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.envoy import access_logs
from reconciler.adapters.envoy.access_logs import Logging
from reconciler.adapters.envoy.collectors import Collectors
from reconciler.adapters.envoy.kinds import CLUSTER, resource
from reconciler.adapters.envoy.proxies import Proxy, proxies_of
from reconciler.adapters.envoy.scoped import telemetry_of
from reconciler.adapters.envoy.scraping import scraped
from reconciler.adapters.envoy.stat_sinks import SINKS, StatSinks
from reconciler.adapters.envoy.tracing import tracing
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.origins import Origin
from reconciler.model.workload_intents import TelemetryIntent

Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Watched:
    """What the connection managers and TCP proxies of a proxy say, and the clusters that this needs. ``sinks``: what it
    has to know at its start, with the clusters for it in ``static``."""

    requests: tuple[Native, ...]
    connections: tuple[Native, ...]
    tracing: Native
    clusters: tuple[Native, ...]
    scraped: bool
    sinks: tuple[Native, ...]
    static: tuple[Native, ...]
    origins: tuple[Origin, ...]


def emit(intent: MeshIntent) -> Iterator[Built]:
    """By scope, so that a mistake in one leaves the others."""
    proxies = proxies_of(intent) if intent.telemetry else ()
    for asked in intent.telemetry:
        gaps = Gaps()
        meant = [proxy for proxy in proxies if telemetry_of(proxy, intent) is asked]
        made = [native for proxy in meant for native in _objects(proxy, asked, intent, gaps)]
        yield built(made, gaps, asked.origins, intent)


def watched(proxy: Proxy, intent: MeshIntent) -> Watched | None:
    """None where nobody asks for anything, or for something that cannot be said."""
    asked, gaps = telemetry_of(proxy, intent), Gaps()
    found = _watched(proxy, asked, intent, gaps) if asked else None
    return None if gaps.blocking else found


def _watched(proxy: Proxy, asked: TelemetryIntent, intent: MeshIntent, gaps: Gaps) -> Watched:
    rule, to = tree(asked.leaves), Collectors(intent, gaps)
    who = proxy.served[0].service.label if proxy.served else f"{proxy.name}.{proxy.namespace}"
    sinks = tuple(leaf for leaf in asked.leaves if leaf.path.startswith("telemetry.logs.sinks"))
    logging = Logging(section(rule, "logs"), sinks, who)
    metrics, traced = section(rule, "metrics"), section(rule, "tracing")
    measured = [] if metrics.get("enabled") is False else [leaf for leaf in asked.leaves if leaf.path.startswith(SINKS)]
    numbers = StatSinks(proxy, who, intent, gaps, {})
    provider = leaf_at(asked.leaves, "telemetry.tracing.provider")
    if traced and provider is None and traced.get("enabled") is not False:
        gaps.warning("leaf-cancelled", "nothing is traced: no provider says where spans go", hint="name a provider")
    return Watched(
        requests=tuple(access_logs.of_requests(logging, to)),
        connections=tuple(access_logs.of_connections(logging, to)),
        tracing=tracing(traced, provider, who, to),
        clusters=tuple(to.clusters[name] for name in sorted(to.clusters)),
        scraped=any(leaf.path == f"{SINKS}.prometheus" for leaf in measured),
        sinks=tuple(numbers.of(measured)),
        static=tuple(numbers.clusters[name] for name in sorted(numbers.clusters)),
        origins=(*asked.origins, *asked.inherited),
    )


def _objects(proxy: Proxy, asked: TelemetryIntent, intent: MeshIntent, gaps: Gaps) -> Iterator[NativeObject]:
    found = _watched(proxy, asked, intent, gaps)
    for spec in found.clusters:
        yield resource(intent, proxy, CLUSTER, spec["name"], spec, found.origins)
    if found.scraped:
        yield from scraped(proxy, intent, found.origins)
