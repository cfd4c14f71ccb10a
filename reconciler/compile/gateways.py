"""Which gateways an Ingress document means on a site, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.compile.site import Site
from reconciler.compile.targets import nearest
from reconciler.model.facts import GatewayFacts, MeshFacts, PortFacts
from reconciler.model.findings import Finding, error
from reconciler.model.ingress import GatewayRef, Ingress
from reconciler.model.meshes import Mesh, MeshGateway
from reconciler.model.refs import DocRef

GATEWAY, CLASS = "ingress.gateway", "ingress.class"


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway that is there (``facts``), or one to be made of a class; ``namespace`` is where its objects lie."""

    ref: GatewayRef
    namespace: str
    facts: GatewayFacts | None = None
    class_name: str = ""
    open_ports: frozenset[int] = frozenset()  # of the Services of a gateway that is there; empty: not known

    @property
    def capability(self) -> str:
        return GATEWAY if self.facts else CLASS

    @property
    def shared(self) -> str:
        """What documents share that mean the same gateway; "" for a gateway of its own."""
        return f"{self.facts.namespace}/{self.facts.name}" if self.facts else ""


def places_of(doc: Ingress, site: Site) -> tuple[list[Place], list[Finding]]:
    """The gateways of a document on a site, and what is wrong with those that it asks for here."""
    found: dict[tuple[str, str, str], Place] = {}
    problems: list[Finding] = []
    for ref in doc.gateways:
        if not site.covered(ref.meshes, ref.clusters):
            continue
        made = _by_class(doc.ref, ref, site) if ref.controller else _by_name(doc.ref, ref, site)
        if isinstance(made, Finding):
            problems.append(made)
        elif made is not None:
            found.setdefault((made.shared, made.namespace, made.class_name), made)
    return list(found.values()), problems


def _by_name(policy: DocRef, ref: GatewayRef, site: Site) -> Place | Finding | None:
    """A gateway that the Mesh document declares, else a discovered one. Where no mesh was named, one that has none of
    this name, or cannot be told what to let in, is not meant."""
    declared = next((one for one in site.document.gateways if one.name == ref.name), None)
    if declared is not None:
        facts = _declared(declared, ())
        if declared.selector.match_expressions:  # labels alone would mean more pods than are meant
            facts = replace(facts, labels={})
        there = (one for one in site.mesh.gateways if _means(declared, one) and (one.service or one.resource))
        ports = frozenset(port.number for one in there for port in one.ports)
        return Place(ref, declared.namespace, facts, open_ports=ports)
    known = next((one for one in site.mesh.gateways if one.name == ref.name), None)
    claim = site.adapter.capability(GATEWAY)
    able = claim is not None and claim.level != "None"
    if known is not None and (able or ref.meshes is not None):
        return Place(ref, known.namespace, known, open_ports=frozenset(port.number for port in known.ports))
    if ref.meshes is None:
        return None
    names = sorted({*(one.name for one in site.document.gateways), *(one.name for one in site.mesh.gateways)})
    message = f"{site.document.ref.name} has no gateway {ref.name} in cluster {site.target.cluster}"
    return error("gateway-unknown", message, ref.position, nearest(ref.name, names), policy)


def _by_class(policy: DocRef, ref: GatewayRef, site: Site) -> Place | Finding | None:
    if ref.controller not in site.adapter.controllers:
        return None
    if ref.class_name:
        return Place(ref, ref.namespace, class_name=ref.class_name)
    classes = sorted(site.mesh.classes)
    if len(classes) != 1:
        message = f"cluster {site.target.cluster} has {len(classes)} gateway classes, so `class` has to say which one"
        return error("gateway-unknown", message, ref.position, f"known: {', '.join(classes) or 'none'}", policy)
    return Place(ref, ref.namespace, class_name=classes[0])


def known_gateways(document: Mesh, mesh: MeshFacts) -> tuple[GatewayFacts, ...]:
    """Those that a Mesh document declares, each with what was discovered of it and not declared; then the others."""
    found = [_declared(one, [known for known in mesh.gateways if _means(one, known)]) for one in document.gateways]
    found += [one for one in mesh.gateways if not any(_means(declared, one) for declared in document.gateways)]
    return tuple(sorted(found, key=lambda one: (one.namespace, one.name)))


def _means(declared: MeshGateway, known: GatewayFacts) -> bool:
    chosen = declared.selector.match_labels or declared.selector.match_expressions
    named = declared.name in (known.name, known.resource)
    return declared.namespace == known.namespace and (
        named or (bool(chosen) and declared.selector.matches(known.labels))
    )


def _declared(one: MeshGateway, known: Sequence[GatewayFacts]) -> GatewayFacts:
    addresses = {address for gateway in known for address in gateway.addresses}
    ports = tuple(dict.fromkeys(port for gateway in known for port in gateway.ports))
    return GatewayFacts(
        name=one.name,
        namespace=one.namespace,
        role=one.role,
        labels=dict(sorted(one.selector.match_labels)),
        addresses=one.addresses or tuple(sorted(addresses)),
        ports=(PortFacts(one.port),) if one.port else ports,
    )


def gateway_names(name: str, site: Site) -> Iterable[str]:
    """The gateways behind a name: those of the Ingress document that is called so, else the one of that name."""
    known = {one.name for one in site.document.gateways} | {one.name for one in site.mesh.gateways}
    docs = [doc for doc in site.view.ingress if doc.ref.name == name and not doc.delegable]
    if name in known or not docs:
        return (name,)
    meant = {place.facts.name for doc in docs for place in places_of(doc, site)[0] if place.facts}
    return tuple(sorted(meant)) or (name,)
