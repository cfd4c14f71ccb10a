"""Cluster: where a caller's proxy sends requests for a port of a service, or of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.identity import client_tls
from reconciler.adapters.envoy.kinds import CLUSTER, resource, typed
from reconciler.adapters.envoy.pools import pool_fields
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.gaps import Gaps
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import Endpoint, Subset
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent, MeshIntent, Origin
from reconciler.model.native import NativeObject

_PROTOCOLS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def upstreams(
    destination: DestinationIntent, host: HostIntent | None, proxy: Proxy, intent: MeshIntent, gaps: Gaps
) -> Iterator[NativeObject]:
    """All that a proxy needs to send to a service of the mesh. ``host``: what policies ask of it."""
    origins = (*destination.origins, *(host.origins if host else ()))
    facts = intent.cluster.service(destination.service.name, destination.service.namespace)
    for port in facts.ports if facts else ():
        for subset in (None, *(host.subsets if host else ())):
            name = names.upstream(destination.service, port.number, subset.name if subset else "")
            yield _cluster(name, _Place(destination, port, subset, host), proxy, intent, (gaps, origins))


class _Place:
    def __init__(
        self, destination: DestinationIntent, port: PortFacts, subset: Subset | None, host: HostIntent | None
    ) -> None:
        self.destination, self.port, self.subset, self.host = destination, port, subset, host


def _cluster(
    name: str, place: _Place, proxy: Proxy, intent: MeshIntent, told: tuple[Gaps, tuple[Origin, ...]]
) -> NativeObject:
    gaps, origins = told
    spec: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": _assignment(name, place.destination, place.port, place.subset),
    }
    if names.is_http(place.port):
        spec["typed_extension_protocol_options"] = {_PROTOCOLS: protocol(place.port)}
    spec |= client_tls(place.destination, place.port, intent)
    spec |= pool_fields(place.host, place.subset, place.port, gaps) if place.host else {}
    return resource(intent, proxy, CLUSTER, name, spec, origins)


def protocol(port: PortFacts) -> dict[str, Any]:
    kind = "http_protocol_options" if port.app_protocol == "http" else "http2_protocol_options"
    return typed(_PROTOCOLS, explicit_http_config={kind: {}})


def _assignment(name: str, destination: DestinationIntent, port: PortFacts, subset: Subset | None) -> Mapping[str, Any]:
    """By locality, since callers choose by it. It lies in the cluster: a file for each would need a watcher for each, and
    a machine has 128 of these (``fs.inotify.max_user_instances``)."""
    wanted = set(subset.labels) if subset else set()
    groups: dict[str, list[dict[str, Any]]] = {}
    for endpoint in destination.endpoints:
        if wanted <= set(endpoint.labels.items()):
            groups.setdefault(endpoint.locality, []).append(_endpoint(endpoint, port))
    localities = [_locality(place) | {"lb_endpoints": groups[place]} for place in sorted(groups)]
    return {"cluster_name": name, **({"endpoints": localities} if localities else {})}


def _endpoint(endpoint: Endpoint, port: PortFacts) -> dict[str, Any]:
    weight = {"load_balancing_weight": endpoint.weight} if endpoint.weight else {}
    return {"endpoint": {"address": socket(endpoint.address, port.number)}, **weight}


def _locality(text: str) -> dict[str, Any]:
    parts = dict(zip(("region", "zone", "sub_zone"), text.split("/"), strict=False))
    return {"locality": {key: value for key, value in parts.items() if value}} if text else {}
