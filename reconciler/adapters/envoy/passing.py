"""An east-west gateway: connections that ask for a port of a service over mutual TLS are handed on as they are, so that
callers and services prove to each other who they are, whatever lies between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.kinds import CLUSTER, resource, typed
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.facts import PortFacts
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject

_TCP = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def named_chains(proxy: Proxy, intent: MeshIntent) -> Iterator[dict[str, Any]]:
    """A filter chain for each port of each service, found by the name that callers ask for."""
    for destination, port in _known(intent):
        name = _name(destination, port)
        config = typed(_TCP, stat_prefix=name, cluster=name)
        yield {
            "filter_chain_match": {"server_names": [names.server_name(destination.service, port.number)]},
            "filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": config}],
        }


def passed_on(proxy: Proxy, intent: MeshIntent, origins: Iterable[Origin]) -> Iterator[NativeObject]:
    """Where these connections go: to the proxies of the service."""
    for destination, port in _known(intent):
        name = _name(destination, port)
        endpoints = [{"endpoint": {"address": socket(one.address, port.number)}} for one in destination.endpoints]
        spec = {
            "name": name,
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
        }
        yield resource(intent, proxy, CLUSTER, name, spec, (*destination.origins, *origins))


def _known(intent: MeshIntent) -> Iterator[tuple[DestinationIntent, PortFacts]]:
    for destination in (one for one in intent.destinations if not one.external):
        facts = intent.cluster.service(destination.service.name, destination.service.namespace)
        for port in facts.ports if facts else ():
            yield destination, port


def _name(destination: DestinationIntent, port: PortFacts) -> str:
    return f"passed.{names.upstream(destination.service, port.number)}"
