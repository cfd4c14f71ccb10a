"""What a port of a service speaks, in the words of the mesh, which wants to be told: by the service, or by a
VirtualNode that is there for it. What nobody says is passed on as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.adapters.appmesh.nodes import known
from reconciler.adapters.protocols import Speech, is_http2, speech
from reconciler.model.facts import PortFacts, ServiceFacts
from reconciler.model.intents import MeshIntent

HTTP, HTTP2, TCP = "http", "http2", "tcp"
#: of gRPC, too, the calls are seen as requests
_HEARD = {"http": HTTP, "http2": HTTP2, "grpc": HTTP2, "tcp": TCP}


@dataclass(frozen=True, slots=True)
class Port:
    """``said``: whether anybody says what it speaks."""

    number: int
    name: str
    protocol: str
    said: bool = True

    @property
    def is_http(self) -> bool:
        return self.protocol != TCP


def spoken(facts: ServiceFacts, intent: MeshIntent) -> Iterator[Port]:
    """The TCP ports of a service in their order."""
    for port in facts.ports:
        if speech(port) is Speech.UDP:
            continue
        if speech(port) is Speech.UNDECLARED:
            heard = _heard(port, facts, intent)
            yield Port(port.number, port.name, heard or TCP, bool(heard))
        elif speech(port) is Speech.OPAQUE:
            yield Port(port.number, port.name, TCP)
        else:
            yield Port(port.number, port.name, HTTP2 if is_http2(port) else HTTP)


def node_ports(facts: ServiceFacts, intent: MeshIntent) -> tuple[Port, ...]:
    return tuple(spoken(facts, intent))


def _heard(port: PortFacts, facts: ServiceFacts, intent: MeshIntent) -> str:
    """What the nodes say whose listener is the port behind this one, if they agree."""
    number = port.target if isinstance(port.target, int) and port.target else port.number
    named = f"{facts.ref.name}.{facts.ref.namespace}.svc.{intent.cluster_domain}"
    said = {
        _HEARD.get(protocol, "")
        for node in known(intent.mesh)
        if node.hostname == named or (node.namespace == facts.ref.namespace and _selects(facts, dict(node.pods or ())))
        for listener, protocol in node.ports
        if listener == number
    }
    return said.pop() if len(said) == 1 else ""


def _selects(facts: ServiceFacts, pods: dict[str, str]) -> bool:
    return bool(facts.selector) and all(pods.get(key) == value for key, value in facts.selector.items())
