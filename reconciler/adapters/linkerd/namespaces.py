"""The policy of pods that no Server selects: an annotation of each namespace that is in the mesh. Proxies read it when
they are started. Gateways that are to stay reachable get Servers of their own.

Source: linkerd2, policy-controller/k8s/index/src/defaults.rs; pkg/inject.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.built import Built, built
from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.linkerd.detect import DEFAULT_POLICY
from reconciler.adapters.linkerd.kinds import NAMESPACE, SERVER
from reconciler.adapters.linkerd.lending import keys
from reconciler.adapters.linkerd.servers import DENY, OPEN, STRICT
from reconciler.model.facts import GatewayFacts
from reconciler.model.intents import MeshIntent, Origin
from reconciler.model.native import NativeObject

_POLICIES = {"Strict": STRICT, "Permissive": OPEN}


def emit(intent: MeshIntent) -> Iterable[Built]:
    """Default deny is the stricter of the two where both are asked for."""
    gaps, wide = Gaps(), [one for one in intent.mtls if one.service is None]
    origins = tuple(sorted({origin for one in wide for origin in one.origins}))
    if intent.default_deny is not None:
        origins = tuple(sorted({*origins, *intent.default_deny.origins}))
        gateways = list(_gateways(intent, gaps))
        yield built([*gateways, *_annotated(DENY, origins, intent, gaps)], gaps, origins, intent)
    elif wide:
        yield built(list(_annotated(_POLICIES[wide[0].mode], origins, intent, gaps)), gaps, origins, intent)


def _annotated(policy: str, origins: Iterable[Origin], intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    names = intent.mesh.enrolled_namespaces
    if not names:
        gaps.warning("nothing-matches", "no namespace is in the mesh, so there is none to set a default policy for")
    for name in names:
        yield keys(NAMESPACE, "", name, {DEFAULT_POLICY: policy}, origins)


def _gateways(intent: MeshIntent, gaps: Gaps) -> Iterable[NativeObject]:
    for gateway in intent.default_deny.gateways if intent.default_deny else ():
        if gateway.namespace not in intent.mesh.enrolled_namespaces:
            continue  # it has no proxy that could shut it
        if not gateway.labels or not gateway.ports:
            told = f"gateway {gateway.name} has no labels, or no known ports, and would be cut off"
            gaps.error("gateway-unselectable", told)
        for number in sorted({_behind(one.number, one.target) for one in gateway.ports}):
            yield _open(gateway, number, intent)


def _behind(number: int, target: int | str) -> int:
    return target if isinstance(target, int) and target else number


def _open(gateway: GatewayFacts, number: int, intent: MeshIntent) -> NativeObject:
    """The dot keeps it apart from the Servers of services."""
    deny = intent.default_deny
    assert deny is not None
    spec = {
        "podSelector": {"matchLabels": dict(sorted(gateway.labels.items()))},
        "port": number,
        "proxyProtocol": "unknown",
        "accessPolicy": OPEN,
    }
    name = object_name(f"mesh-gateway.{gateway.name}-{number}", (gateway.name, str(number)))
    return build(intent, SERVER, gateway.namespace, name, spec, deny.origins)
