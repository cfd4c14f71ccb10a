"""EgressNetwork: what proxies do with calls that leave the cluster. In the namespace that the mesh is set to look in it
holds for all callers; a narrower one, of a namespace, goes before it.

Source: linkerd2, policy-controller/k8s/index/src/outbound/index/egress_network.rs.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.linkerd.detect import EGRESS_SETTING
from reconciler.adapters.linkerd.kinds import EGRESS_NETWORK
from reconciler.model.intents import MeshIntent

NAME = "mesh-egress"
USUAL = "linkerd-egress"
_POLICIES = {"AllowAny": "Allow", "RegistryOnly": "Deny"}


def emit(intent: MeshIntent) -> Iterable[Built]:
    if intent.egress is None:
        return
    gaps, namespace = Gaps(asked=intent.egress.origins), intent.mesh.settings.get(EGRESS_SETTING, USUAL)
    if intent.cluster.namespaces and namespace not in intent.cluster.namespaces:
        told = f"there is no namespace {namespace}, in which the mesh looks for what holds for all callers"
        gaps.error("mesh-inexpressible", told, hint=f"create the namespace {namespace}")
    spec = {"trafficPolicy": _POLICIES[intent.egress.mode]}
    made = build(intent, EGRESS_NETWORK, namespace, NAME, spec, intent.egress.origins)
    yield built([made], gaps, intent.egress.origins, intent)
