"""``trafficPolicy.tls``: how callers secure their connections to a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.advice import mode_of
from reconciler.adapters.istio.rule_fields import TLS_MODES
from reconciler.adapters.leaves import leaf_at
from reconciler.model.intents import HostIntent, MeshIntent

#: what would have to lie in the callers' proxies, which read no secrets by name
_GATEWAYS = "Ingress"  # a gateway tells its hosts apart by the server name, and has that in the mesh's own mTLS too
_IN_PROXIES = ("caRef", "clientCertRef")


def client_tls(asked: Mapping[str, Any], host: HostIntent, intent: MeshIntent, gaps: Gaps) -> dict[str, Any]:
    if "mode" not in asked:
        return {}
    leaf = leaf_at(host.host_leaves, "traffic.tls")
    mode = str(asked["mode"])
    if mode not in TLS_MODES:
        gaps.error("mesh-inexpressible", f"callers have no certificate of their own for tls {mode}", leaf)
        return {}
    for name in (*_IN_PROXIES, "minVersion"):
        if name in asked:
            gaps.error("mesh-inexpressible", f"the mesh takes tls.{name} of a host at gateways only", leaf)
    if mode != "MeshMutual" and host.facts and mode_of(host.service, intent) == "Strict":
        told = f"callers would speak {mode} to workloads of {host.service.label} that accept the mesh's mTLS only"
        gaps.warning("tls-against-mtls", f"{told}: every request fails", leaf, "leave tls out, or relax mtls there")
    native: dict[str, Any] = {"mode": TLS_MODES[mode]}
    if "sni" in asked:
        native["sni"] = str(asked["sni"])
    if "subjectAltNames" in asked:
        native["subjectAltNames"] = [str(name) for name in asked["subjectAltNames"]]
    to_gateway = leaf is not None and leaf.policy.kind == _GATEWAYS
    if mode == "MeshMutual" and len(native) > 1 and not to_gateway:
        gaps.error("mesh-invalid-value", "the mesh's own mTLS takes no server name and no names of its own", leaf)
    return native
