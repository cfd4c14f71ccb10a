"""CircuitBreaker of NGINX Service Mesh: a service is left alone for a time after some errors."""

from __future__ import annotations

from reconciler.adapters.durations import seconds
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section, tree
from reconciler.adapters.smi.kinds import CIRCUIT_BREAKER
from reconciler.adapters.smi.products import NGINX, build, product_of
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.native import NativeObject

_KNOWN = ("traffic.outlier.consecutiveErrors", "traffic.outlier.baseEjection")


def circuit_breaker(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> NativeObject | None:
    """The breaker of a service; None where nothing is asked, or the product has none."""
    leaves = [leaf for leaf in host.host_leaves if leaf.path.startswith("traffic.outlier.")]
    if not leaves or product_of(intent) != NGINX:
        return None
    asked = section(tree(leaves), "outlier")
    for leaf in leaves:
        if leaf.path not in _KNOWN:
            gaps.error("mesh-inexpressible", f"the mesh has nothing like {leaf.path}", leaf)
    length = seconds(asked.get("baseEjection"))
    if "consecutiveErrors" not in asked or length is None or length.denominator != 1:
        told = "the mesh wants the number of errors and a time in whole seconds (consecutiveErrors and baseEjection)"
        gaps.error("mesh-inexpressible", told, leaves[0])
        return None
    service = host.service
    spec = {
        "destination": {"kind": "Service", "name": service.name, "namespace": service.namespace},
        "errors": int(asked["consecutiveErrors"]),
        "timeoutSeconds": int(length),
    }
    return build(intent, CIRCUIT_BREAKER, service.namespace, service.name, spec, host.origins)
