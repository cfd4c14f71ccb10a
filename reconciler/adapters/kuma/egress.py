"""MeshPassthrough: what proxies do with calls to hosts that the mesh does not know. Where only known ones may be
called, those of Destinations are, by the name in the handshake or in the request; a policy of a namespace adds to that
of the whole mesh, since lists whose names begin with ``append`` are put together.

Source: kumahq/kuma, pkg/plugins/policies/meshpassthrough/api/v1alpha1 (validator.go, conflicts.go: names for TLS and
for requests only, each with a port, and one protocol of requests on a port).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.adapters.built import Built
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.finished import finished
from reconciler.adapters.kuma.kinds import PASSTHROUGH
from reconciler.adapters.kuma.objects import WHOLE, build, system_namespace
from reconciler.adapters.let_through import check_names, check_ports, let_through
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.intents import MeshIntent
from reconciler.model.native import NativeObject
from reconciler.model.reach import EgressIntent

NAME = "mesh-egress"
CLOSED = "RegistryOnly"
MODES = {"AllowAny": "All", CLOSED: "None"}
_MATCHED = "Matched"
_PROTOCOLS = {"HTTP": "http", "HTTP2": "http2", "GRPC": "grpc", "HTTPS": "tls", "TLS": "tls"}
_REQUESTS = {"http", "http2", "grpc"}
Native = dict[str, Any]


def emit(intent: MeshIntent) -> Iterable[Built]:
    """Where calls may go anywhere there is nothing to say, of Destinations neither."""
    closed = intent.egress is not None and intent.egress.mode == CLOSED
    known: list[DestinationIntent] = []
    for one in intent.destinations:
        gaps = Gaps()
        check_names(one, gaps)
        if closed:
            check_ports(one, known, _PROTOCOLS, _clash, gaps)
        known += [] if gaps.blocking else [one]
        yield from let_through(one, (), gaps, intent)
    if intent.egress is not None:
        yield finished(_policies(known, intent.egress, intent), Gaps(), intent.egress.origins, intent)


def _policies(known: Sequence[DestinationIntent], asked: EgressIntent, intent: MeshIntent) -> Iterable[NativeObject]:
    """That of the whole mesh, and one for each namespace that sees more."""
    seen = [one for one in known if asked.mode == CLOSED]
    everywhere = [one for one in seen if not one.visible_to]
    yield _policy(system_namespace(intent), everywhere, asked, intent)
    for namespace in sorted({namespace for one in seen for namespace in one.visible_to}):
        yield _policy(namespace, [one for one in seen if namespace in one.visible_to], asked, intent)


def _policy(
    namespace: str, known: Sequence[DestinationIntent], asked: EgressIntent, intent: MeshIntent
) -> NativeObject:
    default: Native = {"passthroughMode": _MATCHED if known else MODES[asked.mode]}
    matches = dict.fromkeys(match for one in known for match in _matches(one))
    default |= {"appendMatch": [_native(*match) for match in matches]} if known else {}
    origins = {*asked.origins, *(origin for one in known for origin in one.origins)}
    return build(intent, PASSTHROUGH, namespace, NAME, {"targetRef": dict(WHOLE), "default": default}, origins)


def _matches(one: DestinationIntent) -> Iterable[tuple[str, int, str]]:
    return ((host, port.number, _PROTOCOLS[port.protocol]) for port in one.ports for host in one.hosts)


def _native(host: str, port: int, protocol: str) -> Native:
    return {"type": "Domain", "value": host, "port": port, "protocol": protocol}


def _clash(one: str, other: str) -> bool:
    """Requests are spoken in one way on a port."""
    return one != other and {one, other} <= _REQUESTS
