"""Ingress documents of one target: which gateways they are for, what these let in, and where it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from reconciler.compile.ages import oldest
from reconciler.compile.backends import Used
from reconciler.compile.delegation import expanded, merged
from reconciler.compile.gateways import Place, places_of
from reconciler.compile.merge import Ask
from reconciler.compile.negotiation import negotiate, paths_of, terms_of
from reconciler.compile.notes import Notes
from reconciler.compile.outgoing import outgoing_of, outgoing_uses
from reconciler.compile.paths import Use, host_wide, traffic_uses
from reconciler.compile.site import Site
from reconciler.compile.tables import ANY, tables_of
from reconciler.model.findings import Finding, error, warning
from reconciler.model.ingress import Ingress, IngressRoute, Listener
from reconciler.model.ingress_intents import GatewayIntent
from reconciler.model.intents import Origin
from reconciler.model.origins import once
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf
from reconciler.model.traffic import TrafficPolicy


@dataclass(slots=True)
class Incoming:
    """What gateways are asked for, the subsets of services that their routes send to, and what is asked of callers."""

    gateways: list[GatewayIntent] = field(default_factory=list)
    uses: list[tuple[Used, Origin]] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Document:
    doc: Ingress
    places: tuple[Place, ...]
    routes: tuple[IngressRoute, ...]
    problems: tuple[Finding, ...]


def incoming_of(site: Site, notes: Notes) -> Incoming:
    """Everything that Ingress documents ask of the gateways of a site."""
    found = Incoming()
    documents = [one for doc in site.view.ingress if not doc.delegable and (one := _read(doc, site)) is not None]
    taken = _taken(documents, site, notes)
    for one in documents:
        notes.matched.add(one.doc.ref)
        notes.matched.update(leaf.policy for route in one.routes for leaf in route.leaves)
        _add(one, taken.get(one.doc.ref, ()), found, site, notes)
    found.gateways.sort(key=lambda intent: (intent.policy, intent.namespace, intent.class_name))
    return found


def _read(doc: Ingress, site: Site) -> _Document | None:
    """None where the document is about no gateway of this site."""
    places, wrong = places_of(doc, site)
    if not places and not wrong:
        return None
    routes, problems = expanded(doc, site.view.ingress)
    routes = [replace(route, leaves=merged(route.leaves, doc.options)) for route in routes]
    problems += wrong
    for leaf in (leaf for route in routes for leaf in route.leaves if host_wide(leaf)):
        message = f"{leaf.path} holds for all requests to a service, not for those of a gateway"
        hint = "set it in a TrafficPolicy for the service"
        problems.append(error("host-wide-leaf", message, leaf.position, hint, leaf.policy))
    for route in routes:
        if any(match.ports for match in route.matches):
            message = f"{doc.ref}: the port of a route is that of its listeners, so that a match has none"
            problems.append(error("port-unknown", message, route.position, "name listeners in the route", doc.ref))
    return _Document(doc, tuple(places), tuple(routes), tuple(dict.fromkeys(problems)))


_Claim = tuple[Ingress, Listener]


def _taken(documents: Iterable[_Document], site: Site, notes: Notes) -> Mapping[DocRef, tuple[Finding, ...]]:
    """Of documents that claim one host on one port of one gateway, or one port in two ways, all but the one that was
    there first."""
    hosts: dict[tuple[str, int, str], list[_Claim]] = {}
    ports: dict[tuple[str, int], list[_Claim]] = {}
    for one in documents:
        for place in one.places:
            for listener in one.doc.listeners if place.shared else ():
                ports.setdefault((place.shared, listener.port), []).append((one.doc, listener))
                for host in listener.hosts or (ANY,):
                    hosts.setdefault((place.shared, listener.port, host), []).append((one.doc, listener))
    found: list[tuple[DocRef, Finding]] = []
    for (gateway, port, host), several in sorted(hosts.items()):
        found += _losers(
            several, f"host {host} on port {port} of gateway {gateway}", site, notes, lambda _one, _two: True
        )
    for (gateway, port), several in sorted(ports.items()):
        found += _losers(several, f"port {port} of gateway {gateway} in another way", site, notes, _differ)
    return {ref: tuple(dict.fromkeys(one for its, one in found if its == ref)) for ref, _ in found}


def _differ(one: Listener, other: Listener) -> bool:
    return one.begins_with != other.begins_with


def _losers(
    several: Sequence[_Claim], what: str, site: Site, notes: Notes, against: Callable[[Listener, Listener], bool]
) -> Iterable[tuple[DocRef, Finding]]:
    if not any(one.ref != other.ref and against(mine, its) for (one, mine), (other, its) in combinations(several, 2)):
        return
    (holder, held), why = oldest(several, lambda one: one[1].position, lambda one: one[0].ref, site.world.ages, notes)
    for doc, listener in several:
        if doc.ref != holder.ref and against(held, listener):
            message = f"{doc.ref} takes {what}, which {holder.ref} has at {held.position}: {why}"
            finding = error("ingress-host-taken", message, listener.position, "", doc.ref, holder.ref)
            yield doc.ref, replace(finding, also=(held.position,))


def _add(one: _Document, taken: Sequence[Finding], into: Incoming, site: Site, notes: Notes) -> None:
    """The intents of a document, or its refusal."""
    doc = one.doc
    places = tuple(Use(place.capability, place.ref.position) for place in one.places)
    uses = tuple(dict.fromkeys((*places, *ingress_uses(doc, one.routes))))
    agreed = negotiate(terms_of(doc.ref, uses, doc.on_unsupported, site), "", (), site, notes)
    if not agreed.able:
        for problem in (*one.problems, *taken):
            notes.find(problem)
        return
    routes = [replace(route, leaves=_kept(route.leaves, agreed.dropped)) for route in one.routes]
    made = tables_of(doc, routes, site, notes)
    out = outgoing_of(doc, one.places, site)
    stopping = [
        *one.problems,
        *out.problems,
        *taken,
        *(problem for problem in made.problems if problem.severity == "error"),
    ]
    for problem in made.problems:
        notes.find(problem)
    if stopping:
        notes.refuse(doc.ref, paths_of(uses, site), *stopping)
        return
    for problem in _closed_ports(one):
        notes.find(problem)
    into.uses += made.uses
    into.asks += out.asks
    origins = {Origin(doc.ref, doc.position)}
    origins |= {
        origin for table in made.tables for route in table.routes for origin in route.origins if origin.ref != doc.ref
    }
    for place in one.places:
        into.gateways.append(
            GatewayIntent(
                policy=doc.ref,
                namespace=place.namespace,
                listeners=doc.listeners,
                tables=tuple(made.tables),
                origins=once(origins),
                gateway=place.facts,
                class_name=place.class_name,
            )
        )


def _closed_ports(one: _Document) -> Iterable[Finding]:
    for place in one.places:
        for listener in one.doc.listeners:
            if place.open_ports and listener.port not in place.open_ports:
                message = (
                    f"no Service of gateway {place.shared} has port {listener.port}, so that nobody reaches listener "
                    f"{listener.name} of {one.doc.ref}"
                )
                hint = f"it has {', '.join(map(str, sorted(place.open_ports)))}"
                yield warning("gateway-port-closed", message, listener.position, hint, one.doc.ref)


def _kept(leaves: Iterable[Leaf], dropped: frozenset[str]) -> tuple[Leaf, ...]:
    return tuple(leaf for leaf in leaves if leaf.path not in dropped)


def ingress_uses(doc: Ingress, routes: Iterable[IngressRoute]) -> Iterable[Use]:
    """What a document asks of its gateways: how they listen, and of each route what a traffic policy would use."""
    yield from outgoing_uses(doc)
    for listener in doc.listeners:
        yield Use("ingress.listeners.protocol", listener.position, value=listener.protocol)
        if (tls := listener.tls) is not None:
            yield Use("ingress.listeners.tls.mode", listener.position, value=tls.mode)
            if tls.client_ca is not None:
                yield Use("ingress.listeners.tls.clientCaRef", listener.position)
            if tls.min_version:
                yield Use("ingress.listeners.tls.minVersion", listener.position, value=tls.min_version)
    if doc.options:
        yield Use("ingress.options", doc.options[0].position)
    if any(route.delegate for route in doc.routes):
        yield Use("ingress.delegate", doc.position)
    for route in routes:
        as_policy = TrafficPolicy(doc.ref, route.position, (), route.leaves, matches=route.matches)
        yield from traffic_uses(as_policy, ())
        for leaf in route.leaves:
            # what a mesh does for callers inside it may be more than its gateways do
            yield Use(leaf.path, leaf.position, f"ingress.rule.{leaf.path.partition('.')[2]}")
