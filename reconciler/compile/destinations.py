"""Destination documents of one target to what its mesh is asked to know, and to what they ask of traffic to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.compile.merge import Ask, wish
from reconciler.compile.negotiation import is_refused, negotiate, paths_of, terms_of
from reconciler.compile.notes import Notes
from reconciler.compile.paths import Use, leaf_uses
from reconciler.compile.site import Site
from reconciler.compile.targets import Rank, choose
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import Destination, DestinationPort, Endpoint
from reconciler.model.facts import ServiceFacts
from reconciler.model.findings import Finding, error, warning
from reconciler.model.intents import Origin
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import OnUnsupported


@dataclass(frozen=True, slots=True)
class Destinations:
    intents: tuple[DestinationIntent, ...]
    asks: tuple[Ask, ...]


def destinations_of(site: Site, notes: Notes) -> Destinations:
    """What the documents ask here, by document."""
    intents: list[DestinationIntent] = []
    asks: list[Ask] = []
    taken: dict[str, Destination] = {}
    for doc in sorted(site.view.destinations, key=lambda one: one.ref):
        refs = site.meant(doc)
        uses = destination_uses(doc)
        if not refs or not negotiate(terms_of(doc.ref, uses, OnUnsupported(), site), "", refs, site, notes).able:
            continue
        if [ref for ref in refs if is_refused(doc.ref, uses, OnUnsupported(), ref, site, notes)]:
            continue
        made = _intent(doc, refs[0], site, taken) if doc.service is None else None
        if isinstance(made, Finding):
            notes.refuse(doc.ref, paths_of(uses, site), made, destinations=refs)
            continue
        taken |= dict.fromkeys(doc.hosts, doc)
        intents += [made] if made else []
        asks += [_ask(doc, ref) for ref in refs if doc.leaves]
    return Destinations(tuple(intents), tuple(asks))


def _twice(doc: Destination, other: Destination) -> Finding:
    hosts = ", ".join(sorted(set(doc.hosts) & set(other.hosts)))
    message = f"{doc.ref} names the host {hosts}, and so does {other.ref} at {other.position}, which holds"
    return error("destination-twice", message, doc.position, "let one of them name it", doc.ref, other.ref)


def destination_uses(doc: Destination) -> tuple[Use, ...]:
    """What a document asks of the mesh of a target."""
    leaves = {leaf.path for leaf in doc.leaves}
    asked = (
        ("service", doc.service is not None),
        ("hosts", bool(doc.hosts)),
        ("ports", bool(doc.ports)),
        ("services", bool(doc.services)),
        ("workloads", doc.in_mesh),
        ("subsets", bool(doc.subsets)),
        ("visibleTo", bool(doc.visible_to)),
        ("virtualMesh", bool(doc.virtual_mesh)),
        ("tls", "traffic.tls" in leaves),
        ("failover", bool(leaves - {"traffic.tls"})),
    )
    uses = [Use(f"destination.{name}", doc.position) for name, used in asked if used]
    if doc.external:
        resolution = f"destination.external.{doc.resolution.lower()}"
        uses.append(Use("destination.external", doc.position, resolution))
    return (*uses, *dict.fromkeys(use for leaf in doc.leaves for use in leaf_uses(leaf)))


def _ask(doc: Destination, ref: ServiceRef) -> Ask:
    """What holds for its hosts as a whole, as a policy about just them would say it."""
    wishes = tuple(wish(leaf) for leaf in doc.leaves)
    return Ask(doc.ref, doc.position, ref, Rank.SERVICES, host_wide=wishes)


def _placed(endpoint: Endpoint, doc: Destination, site: Site) -> Endpoint:
    """A machine that does not say where it lies is where its cluster is, if it is known to be that cluster's own."""
    clusters = site.world.desired.clusters
    own = endpoint.cluster or site.mesh.declared or len(clusters) == 1
    known = clusters.get(site.target.cluster)
    if endpoint.locality or not (doc.in_mesh and own and known and known.locality):
        return endpoint
    return replace(endpoint, locality=known.locality)


def _intent(
    doc: Destination, ref: ServiceRef, site: Site, taken: Mapping[str, Destination]
) -> DestinationIntent | Finding:
    """What the mesh is to know, or why it cannot be told."""
    if twice := [taken[host] for host in doc.hosts if host in taken]:
        return _twice(doc, twice[0])
    namespaces = _visible_to(doc, site)
    if isinstance(namespaces, Finding):
        return namespaces
    intent = DestinationIntent(
        service=ref,
        hosts=doc.hosts,
        ports=doc.ports,
        external=doc.external,
        resolution=doc.resolution or "Static",
        endpoints=tuple(_placed(one, doc, site) for one in doc.endpoints if one.cluster in ("", site.target.cluster)),
        selector={},
        visible_to=namespaces,
        origins=(Origin(doc.ref, doc.position),),
    )
    if not doc.services:
        return intent
    behind = _behind(doc, ref, site)
    if isinstance(behind, Finding):
        return behind
    ports = tuple(_with_target(port, behind) for port in doc.ports)
    return replace(intent, selector=dict(sorted(behind.selector.items())), ports=ports)


def _behind(doc: Destination, ref: ServiceRef, site: Site) -> ServiceFacts | Finding:
    """The one service of this cluster that answers for a document, or what is wrong."""
    choice = choose(doc.ref, doc.services, site)
    found = [chosen.facts for chosen in choice.chosen if chosen.facts is not None and chosen.facts.selector]
    if choice.problems:
        return choice.problems[0]
    if any(chosen.part is not None for chosen in choice.chosen):
        message = f"{doc.ref} names a part of a service: a host is answered by all of it"
        return error("target-subset", message, doc.position, "name the whole service, and give subsets", doc.ref)
    if not found:
        message = f"no service of cluster {site.target.cluster} answers for {doc.ref}, so {ref.host} is not known there"
        return warning("destination-elsewhere", message, doc.position, "other clusters need federation", doc.ref)
    if len(found) > 1 or found[0].ref.namespace != ref.namespace:
        names = ", ".join(one.ref.label for one in found)
        message = f"{doc.ref} names several services of one cluster ({names}): their shares would be unclear"
        return error("route-ambiguous", message, doc.position, "name one, and route to the others by a policy", doc.ref)
    return found[0]


def _with_target(port: DestinationPort, service: ServiceFacts) -> DestinationPort:
    """The port of the pods, from the service's port of the same number or name where the document does not say it."""
    if port.target:
        return port
    for known in service.ports:
        if port.number == known.number or port.name == known.name:
            return replace(
                port, target=known.target if isinstance(known.target, int) and known.target else known.number
            )
    return port


def _visible_to(doc: Destination, site: Site) -> tuple[str, ...] | Finding:
    """The namespaces that see it; a source that is more than namespaces cannot be said."""
    namespaces: set[str] = set()
    for source in doc.visible_to:
        plain = replace(source, namespaces=(), meshes=None, clusters=())
        if not source.namespaces or plain != type(source)(position=source.position):
            message = f"{doc.ref}: visibleTo takes namespaces only, with meshes and clusters at most"
            return warning("source-unsupported", message, source.position, "write ns/NAME", doc.ref)
        if site.covered(source.meshes, source.clusters):
            namespaces |= set(source.namespaces)
    return tuple(sorted(namespaces))
