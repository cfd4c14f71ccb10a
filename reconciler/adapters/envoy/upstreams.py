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
from reconciler.adapters.envoy.outside import found_outside
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


def upstreams(
    destination: DestinationIntent, host: HostIntent | None, proxy: Proxy, intent: MeshIntent, gaps: Gaps
) -> Iterator[NativeObject]:
    """All that a proxy needs to send to a service of the mesh. ``host``: what policies ask of it."""
    origins = (*destination.origins, *(host.origins if host else ()))
    facts = facts_of(destination, intent)
    ports = facts.ports if facts else ()
    for subset in (None, *(host.subsets if host else ())):
        leaves = _leaves(host, subset)
        rule = tree(leaves)
        check_ports(rule, leaves, ports, gaps)
        tell_nowhere(rule, leaves, proxy, gaps)
        for port in ports:
            place = _Place(destination, port, subset, leaves, rule)
            spec = _cluster(place, proxy, intent, gaps)
            yield resource(intent, proxy, CLUSTER, spec["name"], spec, origins)


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


def _cluster(place: _Place, proxy: Proxy, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    rule, leaves = place.rule, place.leaves
    tls = secured(rule, leaves, (place.destination, place.port), intent, gaps)
    return {
        "name": place.name,
        "connect_timeout": connect_timeout(rule, leaves, gaps),
        **_found(place, proxy, gaps),
        **_protocol_options(place, gaps),
        **thresholds(rule, leaves, gaps),
        **keepalive(rule, leaves, gaps),
        **outlier(rule, leaves, gaps),
        **balancing(rule, leaves, home_of(proxy), gaps),
        **health_checks(rule, leaves, place.port, gaps),
        **(announced(rule, tls) if place.destination.external else tls),
    }


def _protocol_options(place: _Place, gaps: Gaps) -> dict[str, Any]:
    if not names.is_http(place.port):
        return {}
    upgraded = section(section(place.rule, "connections"), "http").get("h2Upgrade") is True
    options = protocol(place.port, upgraded=upgraded) | http_options(place.rule, place.leaves, gaps)
    return {"typed_extension_protocol_options": {_PROTOCOLS: options}}


def protocol(port: PortFacts, *, upgraded: bool = False) -> dict[str, Any]:
    """What is spoken to a port. ``upgraded``: HTTP/2 between proxies, whatever the service speaks."""
    kind = "http_protocol_options" if port.app_protocol == "http" and not upgraded else "http2_protocol_options"
    return typed(_PROTOCOLS, explicit_http_config={kind: {}})


def _found(place: _Place, proxy: Proxy, gaps: Gaps) -> dict[str, Any]:
    if place.destination.external:
        return found_outside(place.name, place.destination, place.port, gaps)
    return {"type": "STATIC", "load_assignment": _assignment(place, proxy)}


def _assignment(place: _Place, proxy: Proxy) -> dict[str, Any]:
    """By locality, since callers choose by it. Within the cluster: a file for each would need a watcher for each, and
    a machine has 128 of these (``fs.inotify.max_user_instances``)."""
    asked = section(section(place.rule, "loadBalancing"), "locality")
    wanted = set(place.subset.labels) if place.subset else set()
    meant = [one for one in place.destination.endpoints if wanted <= set(one.labels.items())]
    groups = [_locality(one, place.port) for one in grouped(meant, asked, home_of(proxy))]
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
