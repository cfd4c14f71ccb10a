"""Cluster: where a caller's proxy sends requests for a port of a service, or of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.envoy import names
from reconciler.adapters.envoy.balancing import balancing
from reconciler.adapters.envoy.bootstrap import socket
from reconciler.adapters.envoy.client_tls import secured
from reconciler.adapters.envoy.health_checks import check_ports, health_checks
from reconciler.adapters.envoy.kinds import CLUSTER, resource, typed
from reconciler.adapters.envoy.localities import Group, grouped, home_of, parts_of, tell_nowhere
from reconciler.adapters.envoy.outside import found_outside, proved_by_request
from reconciler.adapters.envoy.pools import connect_timeout, http_options, keepalive, outlier, thresholds
from reconciler.adapters.envoy.ports import facts_of
from reconciler.adapters.envoy.proxies import Proxy
from reconciler.adapters.envoy.proxy_protocol import announced
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section, tree
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import Endpoint, Subset
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.rules import Leaf

_PROTOCOLS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


class Upstreams:
    """All that proxies need to send to a service. ``host``: what policies ask of it. Callers in one place get the same,
    so it is made once for each place."""

    def __init__(self, destination: DestinationIntent, host: HostIntent | None, intent: MeshIntent, gaps: Gaps) -> None:
        self._destination, self._intent, self._gaps = destination, intent, gaps
        self._origins = (*destination.origins, *(host.origins if host else ()))
        facts = facts_of(destination, intent)
        self._ports = facts.ports if facts else ()
        parts = (None, *(host.subsets if host else ()))
        self._asked = [(subset, _leaves(host, subset), tree(_leaves(host, subset))) for subset in parts]
        self._known: dict[str, list[dict[str, Any]]] = {}
        for _, leaves, rule in self._asked:
            check_ports(rule, leaves, self._ports, gaps)

    def of(self, proxy: Proxy) -> Iterator[NativeObject]:
        for _, leaves, rule in self._asked:
            tell_nowhere(rule, leaves, proxy, self._gaps)
        home = home_of(proxy)
        if home not in self._known:
            self._known[home] = [_cluster(place, home, self._intent, self._gaps) for place in self._places()]
        for spec in self._known[home]:
            yield resource(self._intent, proxy, CLUSTER, spec["name"], spec, self._origins)

    def _places(self) -> Iterator[_Place]:
        for subset, leaves, rule in self._asked:
            for port in self._ports:
                yield _Place(self._destination, port, subset, leaves, rule)


def _leaves(host: HostIntent | None, subset: Subset | None) -> tuple[Leaf, ...]:
    if host is None:
        return ()
    return host.part_leaves.get(subset.name, host.host_leaves) if subset else host.host_leaves


@dataclass(frozen=True, slots=True)
class _Place:
    """A port of a service or of a part of it, with what policies ask of it."""

    destination: DestinationIntent
    port: PortFacts
    subset: Subset | None
    leaves: tuple[Leaf, ...]
    rule: Mapping[str, Any]

    @property
    def name(self) -> str:
        return names.upstream(self.destination.service, self.port.number, self.subset.name if self.subset else "")


def _cluster(place: _Place, home: str, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    """``home``: the locality of the caller."""
    rule, leaves = place.rule, place.leaves
    tls = secured(rule, leaves, (place.destination, place.port), intent, gaps)
    return {
        "name": place.name,
        "connect_timeout": connect_timeout(rule, leaves, gaps),
        **_found(place, home, gaps),
        **_protocol_options(place, gaps),
        **thresholds(rule, leaves, gaps),
        **keepalive(rule, leaves, gaps),
        **outlier(rule, leaves, gaps),
        **balancing(rule, leaves, home, gaps),
        **health_checks(rule, leaves, place.port, gaps),
        **(announced(rule, tls) if place.destination.external else tls),
    }


def _protocol_options(place: _Place, gaps: Gaps) -> dict[str, Any]:
    if not names.is_http(place.port):
        return {}
    upgraded = section(section(place.rule, "connections"), "http").get("h2Upgrade") is True
    options = protocol(place.port, upgraded=upgraded) | http_options(place.rule, place.leaves, gaps)
    options |= proved_by_request(place.destination)
    return {"typed_extension_protocol_options": {_PROTOCOLS: options}}


def protocol(port: PortFacts, *, upgraded: bool = False) -> dict[str, Any]:
    """What is spoken to a port. ``upgraded``: HTTP/2 between proxies, whatever the service speaks."""
    kind = "http_protocol_options" if port.app_protocol == "http" and not upgraded else "http2_protocol_options"
    return typed(_PROTOCOLS, explicit_http_config={kind: {}})


def _found(place: _Place, home: str, gaps: Gaps) -> dict[str, Any]:
    if place.destination.external:
        return found_outside(place.name, place.destination, place.port, gaps)
    return {"type": "STATIC", "load_assignment": _assignment(place, home)}


def _assignment(place: _Place, home: str) -> dict[str, Any]:
    """By locality, since callers choose by it. Within the cluster: a file for each would need a watcher for each, and
    a machine has 128 of these (``fs.inotify.max_user_instances``)."""
    asked = section(section(place.rule, "loadBalancing"), "locality")
    wanted = set(place.subset.labels) if place.subset else set()
    meant = [one for one in place.destination.endpoints if wanted <= set(one.labels.items())]
    groups = [_locality(one, place.port) for one in grouped(meant, asked, home)]
    over = {"policy": {"overprovisioning_factor": asked["overprovision"]}} if "overprovision" in asked else {}
    return {"cluster_name": place.name, **({"endpoints": groups} if groups else {}), **over}


def _locality(group: Group, port: PortFacts) -> dict[str, Any]:
    parts = {("sub_zone" if part == "subZone" else part): value for part, value in parts_of(group.locality).items()}
    return {
        **({"locality": parts} if parts else {}),
        **({"priority": group.priority} if group.priority else {}),
        **({"load_balancing_weight": group.weight} if group.weight else {}),
        "lb_endpoints": [_endpoint(one, port) for one in group.endpoints],
    }


def _endpoint(endpoint: Endpoint, port: PortFacts) -> dict[str, Any]:
    weight = {"load_balancing_weight": endpoint.weight} if endpoint.weight else {}
    return {"endpoint": {"address": socket(endpoint.address, port.number)}, **weight}
