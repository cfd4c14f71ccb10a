"""UpstreamTrafficSetting of Open Service Mesh: limits of connections to a host, and of requests that it takes. The
webhook takes one for each host.

Source: openservicemesh/osm, pkg/apis/policy/v1alpha1/upstreamtrafficsetting.go (burst: requests above the rate).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section, tree
from reconciler.adapters.smi.kinds import UPSTREAM
from reconciler.adapters.smi.products import OSM, build, product_of
from reconciler.model.intents import HostIntent, MeshIntent, Route
from reconciler.model.native import NativeObject
from reconciler.model.rules import Leaf

LIMIT = "traffic.rateLimit.local"
UNITS = {"Second": "second", "Minute": "minute", "Hour": "hour"}
TCP = {"max": "maxConnections", "connectTimeout": "connectTimeout"}
HTTP = {
    "maxRequests": "maxRequests",
    "maxPending": "maxPendingRequests",
    "maxPerConnection": "maxRequestsPerConnection",
    "maxRetries": "maxRetries",
}


def upstream(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The setting of a host; None where nothing is asked, or the product has none."""
    leaves = [leaf for leaf in host.host_leaves if leaf.path.startswith("traffic.connections.")]
    limits = [] if product_of(intent) != OSM else [_limit(*one, gaps) for one in limited(host)]
    if product_of(intent) != OSM or not (leaves or limits):
        return None
    spec: dict[str, Any] = {"host": f"{host.service.name}.{host.service.namespace}.svc.{intent.cluster_domain}"}
    spec |= {"connectionSettings": _connections(leaves, gaps)} if leaves else {}
    spec |= {"rateLimit": {"local": {"http": limits[0]}}} if limits else {}
    return build(intent, UPSTREAM, host.service.namespace, host.service.name, spec, host.origins)


def limited(host: HostIntent) -> list[tuple[Leaf, Route]]:
    """The limits of requests that a host takes, with the routes that they are of."""
    return [(leaf, route) for route in host.inbound for leaf in route.leaves if leaf.path == LIMIT]


def _connections(leaves: Sequence[Leaf], gaps: Gaps) -> dict[str, Any]:
    asked = section(tree(leaves), "connections")
    tcp, http = _fields(section(asked, "tcp"), TCP), _fields(section(asked, "http"), HTTP)
    for leaf in leaves:
        if leaf.path.rpartition(".")[2] not in {**TCP, **HTTP}:
            gaps.error("mesh-inexpressible", f"the mesh has nothing like {leaf.path}", leaf)
    return ({"tcp": tcp} if tcp else {}) | ({"http": http} if http else {})


def _limit(leaf: Leaf, route: Route, gaps: Gaps) -> dict[str, Any]:
    """Each proxy counts for itself, all requests to the host together."""
    asked: Mapping[str, Any] = leaf.value
    requests, unit = int(asked["requests"]), UNITS.get(str(asked["unit"]), "")
    above = int(asked.get("burst", requests)) - requests
    if route.matches or route.sources:
        told = "the mesh counts all requests to a service together"
        gaps.about(route.askers.match).error("mesh-inexpressible", told)
    if not unit or above < 0 or asked.get("per", "Route") != "Route" or "header" in asked:
        told = "the mesh counts by second, minute or hour, all requests together, and at once no fewer than in all"
        gaps.error("mesh-inexpressible", told, leaf)
    return {"requests": requests, "unit": unit} | ({"burst": above} if above > 0 else {})


def _fields(asked: Any, names: dict[str, str]) -> dict[str, Any]:
    return {theirs: asked[ours] for ours, theirs in names.items() if ours in asked}
