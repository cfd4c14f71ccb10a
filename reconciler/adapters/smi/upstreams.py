"""UpstreamTrafficSetting of Open Service Mesh: limits of connections to a host. The webhook takes one for each host."""

from __future__ import annotations

from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section, tree
from reconciler.adapters.smi.kinds import UPSTREAM
from reconciler.adapters.smi.products import OSM, build, product_of
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject

_TCP = {"max": "maxConnections", "connectTimeout": "connectTimeout"}
_HTTP = {
    "maxRequests": "maxRequests",
    "maxPending": "maxPendingRequests",
    "maxPerConnection": "maxRequestsPerConnection",
    "maxRetries": "maxRetries",
}


def upstream(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The setting of a host; None where nothing is asked, or the product has none."""
    leaves = [leaf for leaf in host.host_leaves if leaf.path.startswith("traffic.connections.")]
    if not leaves or product_of(intent) != OSM:
        return None
    asked = section(tree(leaves), "connections")
    tcp, http = _fields(section(asked, "tcp"), _TCP), _fields(section(asked, "http"), _HTTP)
    settings: dict[str, Any] = ({"tcp": tcp} if tcp else {}) | ({"http": http} if http else {})
    for leaf in leaves:
        if leaf.path.rpartition(".")[2] not in {**_TCP, **_HTTP}:
            gaps.error("mesh-inexpressible", f"the mesh has nothing like {leaf.path}", leaf)
    spec = {"host": f"{host.service.name}.{host.service.namespace}.svc.{intent.cluster_domain}"}
    return build(
        intent,
        UPSTREAM,
        host.service.namespace,
        host.service.name,
        {**spec, "connectionSettings": settings},
        host.origins,
    )


def _fields(asked: Any, names: dict[str, str]) -> dict[str, Any]:
    return {theirs: asked[ours] for ours, theirs in names.items() if ours in asked}
