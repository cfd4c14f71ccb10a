"""What the ports of a service speak where a policy says otherwise than the document that declares them. Everybody has
to believe the same, callers and the service's own proxies, so the facts themselves are said anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from reconciler.adapters.base import Emitter
from reconciler.adapters.built import Built
from reconciler.adapters.leaves import section, tree
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import HostIntent, MeshIntent
from reconciler.model.refs import ServiceRef

_OPAQUE = "tcp"


def as_spoken(emit: Emitter) -> Callable[[MeshIntent], Iterable[Built]]:
    """The emitter, with these facts."""
    return lambda intent: emit(spoken(intent))


def spoken(intent: MeshIntent) -> MeshIntent:
    said = {host.service: protocol for host in intent.hosts if (protocol := _said(host))}
    if not said:
        return intent
    services = tuple(_speaking(one, said) for one in intent.cluster.services)
    return replace(intent, cluster=replace(intent.cluster, services=services))


def _said(host: HostIntent) -> str:
    """ "" where nobody says anything."""
    asked = section(tree(leaf for leaf in host.host_leaves if leaf.path.startswith("traffic.protocol")), "protocol")
    return _OPAQUE if asked.get("opaque") is True else str(asked.get("appProtocol", "")).lower()


def _speaking(service: ServiceFacts, said: dict[ServiceRef, str]) -> ServiceFacts:
    protocol = said.get(service.ref)
    if protocol is None:
        return service
    return replace(service, ports=tuple(replace(port, app_protocol=protocol) for port in service.ports))
