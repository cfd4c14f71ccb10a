"""One target with all that is known about it: documents as they read there, facts, adapter. Every step reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from reconciler.adapters.base import Adapter
from reconciler.compile.named import facts_of, is_here, references
from reconciler.compile.notes import Notes
from reconciler.model.clusters import Discovery
from reconciler.model.destinations import Destination
from reconciler.model.documents import DesiredState, View
from reconciler.model.facts import ClusterFacts, Facts, MeshFacts, ServiceFacts, WorkloadFacts
from reconciler.model.findings import Finding, Position, warning
from reconciler.model.membership import covers
from reconciler.model.meshes import Mesh
from reconciler.model.native import SUBSET_LABEL
from reconciler.model.refs import DocRef, ServiceRef, TargetId
from reconciler.model.selectors import MeshSet

_P = TypeVar("_P")
_F = TypeVar("_F")


@dataclass(frozen=True, slots=True)
class World:
    """The arguments of one compilation."""

    desired: DesiredState
    facts: Facts
    adapters: Mapping[str, Adapter]
    now: datetime
    ages: Mapping[Position, int]
    withdrawn: Mapping[DocRef, Finding] = field(default_factory=dict)  # refused on one member, and so on all
    concerned: Callable[[str, str], bool] | None = None  # services, by name and namespace; None: all
    known: dict[tuple[int, object], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def takes(self, ref: ServiceRef) -> bool:
        return self.concerned is None or self.concerned(ref.name, ref.namespace)

    def once(self, part: _P, find: Callable[[_P], _F]) -> _F:
        """What is found out about a part of a document alone, which is the same for every target: found out once. By
        identity, so the part is kept for as long."""
        place = (id(part), find)
        found = self.known.get(place)
        if found is None:
            found = self.known[place] = (part, find(part))
        answer: _F = found[1]
        return answer

    def in_force(self, expires: datetime | None) -> bool:
        return expires is None or self.now < expires

    def discovery(self, cluster: str) -> Discovery:
        """What is looked at in a cluster."""
        known = self.desired.clusters.get(cluster)
        return known.discovery if known else Discovery()

    def trust_domain(self, target: TargetId) -> str:
        """What the callers of a target's mesh carry: asserted, else discovered, else assumed; "" if unknown."""
        mesh = self.desired.mesh(target)
        found = self.facts.mesh(target, mesh.type, mesh.namespace, mesh.revision)
        assumed = self.adapters.get(mesh.type) if target.cluster in self.facts.clusters else None
        return (
            mesh.trust_domain
            or (found.trust_domain if found else "")
            or (assumed.default_mesh.trust_domain if assumed else "")
        )


@dataclass(frozen=True, slots=True)
class Site:
    """``away`` are namespaces that belong to another mesh of the same cluster, and not to this one. ``answered``: what
    was found out once, about claims and about subsets. ``refused``: documents that the adapter cannot do here, by the
    service that they are about (None: all of them)."""

    world: World
    target: TargetId
    view: View
    document: Mesh
    mesh: MeshFacts
    cluster: ClusterFacts
    adapter: Adapter
    cluster_domain: str
    away: frozenset[str]
    services: Mapping[tuple[str, str], ServiceFacts] = field(repr=False)  # by (namespace, name)
    named: Mapping[str, ServiceFacts] = field(default_factory=dict, repr=False)  # of Destination documents, by host
    refused: Mapping[tuple[DocRef, ServiceRef | None], tuple[Finding, ...]] = field(default_factory=dict, repr=False)
    answered: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def strict(self) -> bool:
        return self.world.desired.settings.strict

    def against(self, ref: DocRef, service: ServiceRef | None = None) -> tuple[Finding, ...]:
        """Why a document is not applied to a service (None: to none), although the mesh has all that it asks for."""
        if not self.refused and not self.world.withdrawn:
            return ()
        own = self.refused.get((ref, service)) or self.refused.get((ref, None))
        joint = self.world.withdrawn.get(ref)
        return own or ((joint,) if joint else ())

    def covered(self, meshes: MeshSet | None, clusters: tuple[str, ...]) -> bool:
        """Whether a scope includes this target."""
        return (not clusters or self.target.cluster in clusters) and covers(meshes, self.target, self.view)

    def service(self, ref: ServiceRef) -> ServiceFacts | None:
        return self.named.get(ref.host) if ref.host else self.services.get((ref.namespace, ref.name))

    def meant(self, doc: Destination) -> tuple[ServiceRef, ...]:
        """What a Destination document stands for here; nothing where it is about another cluster or virtual mesh."""
        if not is_here(doc, self.target, self.view):
            return ()
        return tuple(ref for ref in references(doc, self.target, self.mesh) if ref.cluster == self.target.cluster)

    def profile(self, ref: ServiceRef | None = None) -> str:
        """The way in which the mesh serves a service, or itself as a whole."""
        return self.adapter.profile(self.mesh, self.cluster, ref)

    def here(self, ref: ServiceRef) -> ServiceRef:
        cluster = self.target.cluster
        return ref if ref.cluster == cluster else ServiceRef(ref.name, ref.namespace, cluster, ref.host)


def site_of(world: World, target: TargetId, cluster: ClusterFacts, adapter: Adapter, notes: Notes) -> Site:
    """The site of a target whose cluster's facts are known; says so where no control plane was found there."""
    view, document = world.desired.views[target], world.desired.mesh(target)
    mesh = _control_plane(world, target, document, adapter, notes)
    siblings = [other for other in world.desired.targets if other.cluster == target.cluster and other != target]
    away = {name for other in siblings for name in _enrolled(world, other)} - set(mesh.enrolled_namespaces)
    known = world.desired.clusters.get(target.cluster)
    cluster = _without_subsets(cluster)
    return Site(
        world=world,
        target=target,
        view=view,
        document=document,
        mesh=mesh,
        cluster=cluster,
        adapter=adapter,
        cluster_domain=known.cluster_domain if known else "cluster.local",
        away=frozenset(away),
        services=cluster.services_by_name,
        named=facts_of(view.destinations, target, view, mesh),
    )


def _without_subsets(cluster: ClusterFacts) -> ClusterFacts:
    """Services that stand for a subset are no services that people speak of: a policy for all means none of them."""
    if SUBSET_LABEL not in cluster.service_labels:
        return cluster
    services = tuple(service for service in cluster.services if SUBSET_LABEL not in service.labels)
    return replace(cluster, services=services)


def _control_plane(world: World, target: TargetId, document: Mesh, adapter: Adapter, notes: Notes) -> MeshFacts:
    found = world.facts.mesh(target, document.type, document.namespace, document.revision)
    domain = world.trust_domain(target)
    if found is None:
        looked = world.discovery(target.cluster).finds(document.type)
        why = "was found" if looked else "is looked for (discovery)"
        notes.find(
            warning(
                "mesh-not-found",
                f"no control plane of {document.ref.name} {why} in cluster {target.cluster}: "
                "its namespace, version and trust domain are assumed",
                document.position,
                "check match.namespace and match.revision, or install the mesh" if looked else "",
                document.ref,
            )
        )
        base = adapter.default_mesh
        return replace(
            base,
            namespace=document.namespace or base.namespace,
            revision=document.revision or base.revision,
            trust_domain=domain,
        )
    if document.trust_domain and found.trust_domain not in ("", document.trust_domain):
        notes.find(
            warning(
                "trust-domain-differs",
                f"{document.ref.name} says its trust domain is {document.trust_domain}, "
                f"its control plane says {found.trust_domain}: access rules are written for the first",
                document.position,
                "correct config.trustDomain, or leave it out to take the discovered one",
                document.ref,
            )
        )
    return replace(found, trust_domain=domain)


def _enrolled(world: World, target: TargetId) -> tuple[str, ...]:
    mesh = world.desired.mesh(target)
    found = world.facts.mesh(target, mesh.type, mesh.namespace, mesh.revision)
    return found.enrolled_namespaces if found else ()


def behind(service: ServiceFacts, cluster: ClusterFacts) -> tuple[WorkloadFacts, ...]:
    """The workloads whose pods a service selects; none where it has no selector."""
    if not service.selector:
        return ()
    return cluster.workloads_with(service.ref.namespace, service.selector)


def has_labels(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in wanted.items())
