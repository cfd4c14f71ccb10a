"""EgressNetwork: what proxies do with calls that leave the cluster. In the namespace that the mesh is set to look in it
holds for all callers; a narrower one, of a namespace, goes before it. Where it denies, each host that may be called has
a route beside it, before it: of requests by their host, or of TLS by the name in the handshake.

Source: linkerd2, policy-controller/k8s/index/src/outbound/index/egress_network.rs,
policy-controller/grpc/src/outbound.rs (routes of one kind on a port); linkerd.io/2/tasks/managing-egress-traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.adapters.built import Built, built
from reconciler.adapters.envelopes import build, object_name
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.let_through import check_names, check_ports, let_through
from reconciler.adapters.linkerd.detect import EGRESS_SETTING
from reconciler.adapters.linkerd.kinds import EGRESS_NETWORK, HTTP_ROUTE, POLICY, TLS_ROUTE
from reconciler.adapters.served import is_served
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import DestinationPort
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeKind, NativeObject

NAME = "mesh-egress"
USUAL = "linkerd-egress"
CLOSED = "RegistryOnly"
#: most names of a route
MOST = 16
_POLICIES = {"AllowAny": "Allow", CLOSED: "Deny"}
_REQUESTS, _HANDSHAKE = "HTTPRoute", "TLSRoute"
_WAYS = {
    "HTTP": _REQUESTS,
    "HTTP2": _REQUESTS,
    "GRPC": _REQUESTS,
    "HTTPS": _HANDSHAKE,
    "TLS": _HANDSHAKE,
}
_KINDS: dict[str, NativeKind] = {_REQUESTS: HTTP_ROUTE, _HANDSHAKE: TLS_ROUTE}
Native = dict[str, Any]


def emit(intent: MeshIntent) -> Iterable[Built]:
    """Where calls may go anywhere there is nothing to say of Destinations."""
    closed = intent.egress is not None and intent.egress.mode == CLOSED
    known: list[DestinationIntent] = []
    for one in intent.destinations:
        gaps = Gaps()
        check_names(one, gaps)
        if closed:
            _check(one, known, intent, gaps)
            _check_namespace(intent, gaps)
        made = list(_routes(one, intent)) if closed and not gaps.blocking else []
        known += [] if gaps.blocking else [one]
        yield from let_through(one, made, gaps, intent)
    if intent.egress is not None:
        gaps = Gaps(asked=intent.egress.origins)
        _check_namespace(intent, gaps)
        spec = {"trafficPolicy": _POLICIES[intent.egress.mode]}
        network = build(intent, EGRESS_NETWORK, _namespace(intent), NAME, spec, intent.egress.origins)
        yield built([network], gaps, intent.egress.origins, intent)


def _check_namespace(intent: MeshIntent, gaps: Gaps) -> None:
    if intent.cluster.namespaces and (namespace := _namespace(intent)) not in intent.cluster.namespaces:
        told = f"there is no namespace {namespace}, in which the mesh looks for what holds for all callers"
        gaps.error("mesh-inexpressible", told, hint=f"create the namespace {namespace}")


def _namespace(intent: MeshIntent) -> str:
    return intent.mesh.settings.get(EGRESS_SETTING, USUAL)


def _check(one: DestinationIntent, others: Sequence[DestinationIntent], intent: MeshIntent, gaps: Gaps) -> None:
    """What a route needs."""
    check_ports(one, others, _WAYS, lambda mine, its: mine != its, gaps)
    if len(one.hosts) > MOST:
        gaps.error("mesh-inexpressible", f"a route of the mesh has {MOST} names at most: write several Destinations")
    for way in sorted({_WAYS[port.protocol] for port in one.ports if port.protocol in _WAYS}):
        if not is_served(_KINDS[way], intent.cluster.crds):
            told = f"the cluster serves no {way} of a version that the mesh reads"
            gaps.error("mesh-too-old", told, hint="install the definitions of Gateway API that come with the mesh")


def _routes(one: DestinationIntent, intent: MeshIntent) -> Iterable[NativeObject]:
    for port in one.ports:
        way, namespace = _WAYS[port.protocol], _namespace(intent)
        named = one.hosts[0].replace("*", "any")
        readable = f"{NAME}.{named}-{port.number}"
        name = object_name(
            readable, (*one.hosts, str(port.number)), ambiguous=len(one.hosts) > 1 or named != one.hosts[0]
        )
        yield build(intent, _KINDS[way], namespace, name, _spec(one, port, way, namespace), one.origins)


def _spec(one: DestinationIntent, port: DestinationPort, way: str, namespace: str) -> Native:
    """A route of requests goes on to where they were sent by itself, one of TLS has to say so."""
    network = {"group": POLICY, "kind": EGRESS_NETWORK.kind.kind, "name": NAME}
    parent = {**network, "namespace": namespace, "port": port.number}
    every: Native = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}
    rule = {"backendRefs": [dict(network)]} if way == _HANDSHAKE else every
    return {"parentRefs": [parent], "hostnames": list(one.hosts), "rules": [rule]}
