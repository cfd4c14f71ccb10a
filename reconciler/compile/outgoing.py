"""What goes out by a gateway: for its callers, routes that lead the hosts of its listeners to the gateway's Service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.compile.entries import ROUTE
from reconciler.compile.gateways import Place
from reconciler.compile.merge import Ask, wish
from reconciler.compile.paths import Use
from reconciler.compile.site import Site
from reconciler.compile.targets import Rank, host_service
from reconciler.model.canonical import digest
from reconciler.model.destinations import Subset
from reconciler.model.facts import ServiceFacts
from reconciler.model.findings import Finding, error
from reconciler.model.ingress import Ingress, Listener
from reconciler.model.intents import Backend
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match

#: of the name of a part that is made; a label takes 63 characters
_READABLE = 48
OUT = "ingress.egress"


@dataclass(slots=True)
class Outgoing:
    """What is asked of the callers' side, and what is wrong."""

    asks: list[Ask] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)


def outgoing_uses(doc: Ingress) -> Iterable[Use]:
    for listener in doc.listeners if doc.outgoing else ():
        yield Use(OUT, listener.position, f"{OUT}.protocol", listener.protocol)
        if listener.tls is not None:
            yield Use(OUT, listener.position, f"{OUT}.tls", listener.tls.mode)


def outgoing_of(doc: Ingress, places: Iterable[Place], site: Site) -> Outgoing:
    """The asks of a document, as policies about the hosts would say it: calls of its ports go to the gateway."""
    made = Outgoing()
    for place in places if doc.outgoing else ():
        for listener in doc.listeners:
            service = _service(place, listener.port, site)
            if service is None:
                told = (
                    f"no Service of gateway {place.shared} has port {listener.port}, so nothing can be sent out by it"
                )
                made.problems.append(error("gateway-port-closed", f"{doc.ref}: {told}", listener.position, "", doc.ref))
                continue
            for host in listener.hosts:
                part = _part(doc, listener, host) if listener.tls is not None else None
                made.asks.append(_ask(doc, listener, host_service(host, site), service, part))
                if part is not None:
                    made.asks.append(_encrypted(doc, listener, host, service, part))
            made.problems += [
                _unknown_port(doc, listener, host) for host in listener.hosts if _lacks(host, listener, site)
            ]
    return made


def _service(place: Place, port: int, site: Site) -> ServiceRef | None:
    """The first Service by name that leads to the pods of a gateway."""
    labels = place.facts.labels.items() if place.facts else ()
    for ref in sorted(one.ref for one in site.services.values() if one.ref.namespace == place.namespace):
        facts = site.service(ref)
        if facts is not None and _leads(facts, dict(labels)) and any(one.number == port for one in facts.ports):
            return ref
    return None


def _leads(facts: ServiceFacts, labels: dict[str, str]) -> bool:
    """A gateway that Git declares has some labels of its pods, a discovered one has all of them."""
    selected = facts.selector.items()
    return bool(selected and labels) and (selected <= labels.items() or labels.items() <= selected)


def _ask(doc: Ingress, listener: Listener, host: ServiceRef, gateway: ServiceRef, part: Subset | None) -> Ask:
    leaf = Leaf(ROUTE, (), listener.position, doc.ref)
    led = wish(leaf, (Backend(gateway, 1, part.name if part else "", listener.port),))
    when = (Match(ports=(listener.port,)),)
    return Ask(doc.ref, doc.position, host, Rank.SERVICES, matches=when, routed=(led,))


def _part(doc: Ingress, listener: Listener, host: str) -> Subset:
    """All of the gateway, as callers of one host see it: the gateway knows the host by the name that they ask for."""
    mark = digest([doc.ref.namespace, doc.ref.name, listener.name, host])[:8]
    readable = f"{doc.ref.name}-{listener.name}".replace(".", "-")[:_READABLE].rstrip("-")
    return Subset(f"{readable}-{mark}", (), listener.position)


def _encrypted(doc: Ingress, listener: Listener, host: str, gateway: ServiceRef, part: Subset) -> Ask:
    """What callers of a host do on the way to the gateway: TLS as its listener takes it."""
    mode = listener.tls.mode if listener.tls else ""
    leaf = Leaf("traffic.tls", {"mode": mode, "sni": host}, listener.position, doc.ref)
    return Ask(doc.ref, doc.position, gateway, Rank.SERVICES, host_wide=(wish(leaf),), part=part)


def _lacks(host: str, listener: Listener, site: Site) -> bool:
    known = site.service(host_service(host, site))
    return known is not None and all(port.number != listener.port for port in known.ports)


def _unknown_port(doc: Ingress, listener: Listener, host: str) -> Finding:
    message = f"{doc.ref}: {host} has no port {listener.port}, so nobody would be sent to listener {listener.name}"
    return error("port-unknown", message, listener.position, "listen on the port that callers use", doc.ref)
