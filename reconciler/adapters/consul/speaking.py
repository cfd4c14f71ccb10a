"""What a service speaks. Consul knows one protocol for all of a service, and sees requests only where it is told one
that has them; everything on the way of a request has to have the same."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import leaf_at
from reconciler.adapters.protocols import Speech, is_http2, speech
from reconciler.model.facts import PortFacts
from reconciler.model.intents import MeshIntent
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf

TCP, HTTP, HTTP2, GRPC = "tcp", "http", "http2", "grpc"
_OPAQUE, _APP = "traffic.protocol.opaque", "traffic.protocol.appProtocol"
_SAID = {"http": HTTP, "http2": HTTP2, "h2c": HTTP2, "grpc": GRPC, "tcp": TCP}


def protocol_of(service: ServiceRef, intent: MeshIntent, gaps: Gaps) -> str:
    """By the policies that say it, else by the ports. Of a service that is not there yet requests are expected."""
    asked = [
        leaf for host in intent.hosts_by_name.get((service.name, service.namespace), ()) for leaf in host.host_leaves
    ]
    if (said := _said(asked, gaps)) is not None:
        return said
    facts = intent.cluster.service(service.name, service.namespace)
    found = {_of_port(port) for port in facts.ports if speech(port) is not Speech.UDP} if facts else {HTTP}
    if len(found) > 1:
        told = f"the mesh knows one protocol for a service, and the ports of {service.label} speak {_worded(found)}"
        gaps.error("mesh-inexpressible", told, hint="say protocol.appProtocol in a policy for it")
    return min(found, default=TCP)


def says_protocol(leaves: Iterable[Leaf]) -> bool:
    known = tuple(leaves)
    return any(leaf_at(known, path) for path in (_OPAQUE, _APP))


def _said(leaves: Iterable[Leaf], gaps: Gaps) -> str | None:
    known = tuple(leaves)
    opaque, named = leaf_at(known, _OPAQUE), leaf_at(known, _APP)
    if opaque is not None and opaque.value:
        return TCP
    if named is None:
        return None
    found = _SAID.get(str(named.value).lower())
    if found is None:
        told = f"the mesh does not know the protocol {named.value!r}"
        gaps.error("mesh-invalid-value", told, named, f"known: {', '.join(sorted(_SAID))}")
    return found or HTTP


def _of_port(port: PortFacts) -> str:
    if speech(port) is Speech.OPAQUE:
        return TCP
    if not is_http2(port):
        return HTTP
    return GRPC if (port.app_protocol or port.name).lower().startswith(GRPC) else HTTP2


def _worded(found: Iterable[str]) -> str:
    return " and ".join(sorted(found))
