"""What the callers' proxies do that the mesh has no field for: patches of the routes and clusters of one host.

They lie in the root namespace, since callers may be anywhere, and name the host that they are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.entries import name_of
from reconciler.adapters.istio.health_checks import health_checks
from reconciler.adapters.istio.objects import fqdn, root_namespace
from reconciler.adapters.istio.proxy_patches import GATEWAY, OUTBOUND, Native, length, merged, proxy_filter
from reconciler.adapters.istio.resilience import duration, has_backoff
from reconciler.adapters.leaves import leaf_at, section, tree
from reconciler.adapters.protocols import Speech, speech
from reconciler.model.intents import HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject

_USUAL_BACKOFF = "25ms"
_PATCHED = ("traffic.timeout", "traffic.retries", "traffic.healthCheck", "traffic.outlier")


def outbound_filter(
    host: HostIntent, routes: NativeObject | None, intent: MeshIntent, gaps: Gaps
) -> NativeObject | None:
    """The patches of a host, None where it needs none; ``routes`` is its VirtualService, whose names they refer to."""
    http = routes.body["spec"].get("http", ()) if routes is not None else ()
    patches = [
        patch
        for route, native in zip(host.routes, http, strict=bool(http))
        for patch in _route_patches(route, native["name"], host, intent, gaps)
    ]
    patches += _cluster_patches(host, intent, gaps)
    if not patches:
        return None
    name = f"{name_of(host.service)}.{host.service.namespace}-outbound"
    return proxy_filter(intent, (root_namespace(intent), name), {}, patches, _origins(host))


def _origins(host: HostIntent) -> Iterable[Origin]:
    leaves = [*host.host_leaves, *(leaf for route in host.routes for leaf in route.leaves)]
    leaves += [leaf for part in host.part_leaves.values() for leaf in part]
    return {Origin(leaf.policy, leaf.position) for leaf in leaves if leaf.path.startswith(_PATCHED)}


def _route_patches(route: Route, name: str, host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Iterator[Native]:
    value = _route(route, intent, gaps)
    if not value:
        return
    ports = _http_ports(host)
    if not ports:
        told = f"the proxies know the routes of {host.service.label} by its ports, and none is known to carry HTTP"
        gaps.error("mesh-inexpressible", told, leaf_at(route.leaves, "traffic.timeout"))
    for port in ports:
        vhost = {"name": f"{fqdn(host.service, intent)}:{port}", "route": {"name": name}}
        match = {"context": OUTBOUND, "routeConfiguration": {"vhost": vhost}}
        yield merged("HTTP_ROUTE", match, {"route": value})


def _http_ports(host: HostIntent) -> Sequence[int]:
    known = host.facts.ports if host.facts else ()
    return sorted(port.number for port in known if speech(port) in (Speech.HTTP, Speech.UNDECLARED))


def _route(route: Route, intent: MeshIntent, gaps: Gaps) -> Native:
    rule = tree(route.leaves)
    asked, leaf = section(rule, "timeout"), leaf_at(route.leaves, "traffic.timeout")
    value: Native = {}
    if "idle" in asked:
        value["idle_timeout"] = length(duration(asked["idle"], leaf, gaps))
    if "stream" in asked:
        value["max_stream_duration"] = {"max_stream_duration": length(duration(asked["stream"], leaf, gaps))}
    if backoff := _backoff(section(rule, "retries"), route, intent, gaps):
        value["retry_policy"] = {"retry_back_off": backoff}
    return value


def _backoff(retries: Mapping[str, Any], route: Route, intent: MeshIntent, gaps: Gaps) -> Native:
    """Both ends of it, since the proxies want the lower one whenever there is an upper one."""
    asked = section(retries, "backoff")
    if retries.get("attempts") == 0 or not ("max" in asked or ("base" in asked and not has_backoff(intent))):
        return {}
    leaf = leaf_at(route.leaves, "traffic.retries.backoff")
    base = duration(asked.get("base", _USUAL_BACKOFF), leaf, gaps)
    if "max" not in asked:
        return {"base_interval": length(base)}
    most = duration(asked["max"], leaf, gaps)
    if (seconds(most) or 0) < (seconds(base) or 0):
        gaps.error("mesh-invalid-value", f"retries cannot wait at least {base} and at most {most}", leaf)
    return {"base_interval": length(base), "max_interval": length(most)}


def _cluster_patches(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Iterator[Native]:
    """For callers in the mesh and for gateways, as all that a DestinationRule says."""
    service = fqdn(host.service, intent)
    found = list(_clusters(service, host, gaps)) if not host.part_leaves else list(_by_name(service, host, gaps))
    for context in (OUTBOUND, GATEWAY):
        for cluster, value in found:
            yield merged("CLUSTER", {"context": context, "cluster": cluster}, value)


def _clusters(service: str, host: HostIntent, gaps: Gaps) -> Iterator[tuple[Native, Native]]:
    """What holds for the whole host holds for the clusters of its subsets too."""
    rule = tree(host.host_leaves)
    if rate := section(section(rule, "outlier"), "successRate"):
        yield {"service": service}, {"outlier_detection": _success_rate(rate)}
    for port, checks in health_checks(section(rule, "healthCheck"), host, gaps):
        yield {"service": service, "portNumber": port}, {"health_checks": [checks]}


def _by_name(service: str, host: HostIntent, gaps: Gaps) -> Iterator[tuple[Native, Native]]:
    """Each cluster by itself, since a patch for the host would be added to that of a part."""
    parts = {"": host.host_leaves} | {
        one.name: host.part_leaves.get(one.name, host.host_leaves) for one in host.subsets
    }
    for subset, leaves in sorted(parts.items()):
        part = replace(host, host_leaves=leaves)
        rate = section(section(tree(leaves), "outlier"), "successRate")
        numbers = sorted(port.number for port in (host.facts.ports if host.facts else ()))
        if rate and not numbers:
            told = f"the proxies know the parts of {host.service.label} by its ports, and these are unknown"
            gaps.error("mesh-inexpressible", told, leaf_at(leaves, "traffic.outlier"))
        for port in numbers if rate else ():
            yield {"name": f"outbound|{port}|{subset}|{service}"}, {"outlier_detection": _success_rate(rate)}
        for port, checks in health_checks(section(tree(leaves), "healthCheck"), part, gaps):
            yield {"name": f"outbound|{port}|{subset}|{service}"}, {"health_checks": [checks]}


def _success_rate(asked: Mapping[str, Any]) -> Native:
    """The mesh switches it off, whatever else is watched; a hundred percent switches it on."""
    names = {"minimumHosts": "success_rate_minimum_hosts", "requestVolume": "success_rate_request_volume"}
    value: Native = {"enforcing_success_rate": 100}
    value |= {native: int(asked[field]) for field, native in names.items() if field in asked}
    if "standardDeviationFactor" in asked:
        value["success_rate_stdev_factor"] = round(float(asked["standardDeviationFactor"]) * 1000)
    return value
