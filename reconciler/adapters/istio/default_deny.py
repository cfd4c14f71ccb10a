"""Default deny: an AuthorizationPolicy for the whole mesh that allows nothing, and one for each gateway that allows
all, so that gateways stay reachable. Health probes reach the proxy's own port, which no policy governs."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.kinds import AUTHORIZATION_POLICY, DEFAULT_DENY
from reconciler.adapters.istio.objects import build, object_name, root_namespace
from reconciler.model.facts import GatewayFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject

NAME = "mesh-default-deny"


def emit(intent: MeshIntent) -> Iterable[Built]:
    if intent.default_deny is not None:
        gaps = Gaps()
        yield built(list(policies(intent, gaps)), gaps, intent.default_deny.origins, intent)


def policies(intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    """The permissions of the gateways and the deny. Gaps for a gateway that cannot be told from other workloads."""
    deny = intent.default_deny
    if deny is None:
        return
    for gateway in deny.gateways:
        if not gateway.labels:
            gaps.error("gateway-unselectable", f"gateway {gateway.name} has no labels, and would be cut off")
        spec = {
            "selector": {"matchLabels": dict(sorted(gateway.labels.items()))},
            "action": "ALLOW",
            "rules": [{}],
        }
        yield build(intent, AUTHORIZATION_POLICY, gateway.namespace, _name(gateway), spec, deny.origins)
    yield build(intent, DEFAULT_DENY, root_namespace(intent), NAME, {}, deny.origins)


def _name(gateway: GatewayFacts) -> str:
    """The dot keeps it apart from every access policy's name, which begins with that of a service."""
    return object_name(f"mesh-gateway.{gateway.name}", (gateway.name,))
