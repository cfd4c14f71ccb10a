"""Default deny: a policy in each namespace that allows nothing. Gateways of the mesh are proxies of the nodes, which no
such policy is about; those of other products are pods, and get a policy that allows all.

The agents let in what comes from the node of a pod, so that probes pass. Namespaces of the cluster itself and of the
mesh are left out: without names and addresses nothing would work.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.cilium.kinds import DEFAULT_DENY, NETWORK_POLICY
from reconciler.adapters.cilium.selecting import open_namespaces
from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.model.facts import GatewayFacts
from reconciler.model.intents import DefaultDeny, MeshIntent
from reconciler.model.native import NativeObject

NAME = "mesh-default-deny"


def emit(intent: MeshIntent) -> Iterable[Built]:
    if intent.default_deny is not None:
        gaps = Gaps()
        made = list(_policies(intent.default_deny, intent, gaps))
        yield built(made, gaps, intent.default_deny.origins, intent)


def _policies(deny: DefaultDeny, intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    for gateway in deny.gateways:
        if gateway.labels:
            spec = {
                "endpointSelector": {"matchLabels": dict(sorted(gateway.labels.items()))},
                "ingress": [{"fromEntities": ["all"]}],
            }
            yield build(intent, NETWORK_POLICY, gateway.namespace, _name(gateway), spec, deny.origins)
        elif not gateway.resource:
            gaps.error("gateway-unselectable", f"gateway {gateway.name} has no labels, and would be cut off")
    for namespace in open_namespaces(intent):
        yield build(intent, DEFAULT_DENY, namespace, NAME, {"endpointSelector": {}, "ingress": [{}]}, deny.origins)


def _name(gateway: GatewayFacts) -> str:
    """The dot keeps it apart from every access policy's name, which begins with that of a service."""
    return object_name(f"mesh-gateway.{gateway.name}", (gateway.name,))
