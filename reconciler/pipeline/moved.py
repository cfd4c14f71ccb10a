"""Facts as they will be when the namespaces of a mesh have moved to another one, in the same clusters or in others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts, MeshFacts
from reconciler.model.refs import TargetId

Pairs = tuple[tuple[TargetId, TargetId], ...]


def moved(facts: Facts, pairs: Pairs, desired: DesiredState, only: Collection[str]) -> Facts:
    """The namespaces of the old mesh, or ``only`` these, are in the new one. In another cluster so are their services:
    what policies come to there is known before anything is deployed."""
    clusters = dict(facts.clusters)
    for old, new in pairs:
        so_far = replace(facts, clusters=clusters)
        before, after = _found(old, facts, desired), _found(new, so_far, desired)
        here, there = clusters.get(old.cluster), clusters.get(new.cluster)
        if before is None or here is None or there is None:
            continue
        going = {name for name in before.enrolled_namespaces if not only or name in only}
        stays = replace(before, enrolled_namespaces=tuple(sorted({*before.enrolled_namespaces} - going)))
        clusters[old.cluster] = replace(here, meshes=(*_others(here, before, after), stays))
        there = clusters[new.cluster]
        if after is not None:
            added = replace(after, enrolled_namespaces=tuple(sorted({*after.enrolled_namespaces, *going})))
            there = replace(there, meshes=(added, *_others(there, after)))
        clusters[new.cluster] = there if old.cluster == new.cluster else _with_services(there, here, going)
    return replace(facts, clusters=clusters)


def missing(facts: Facts, pairs: Pairs, desired: DesiredState, namespace: str) -> tuple[str, ...]:
    """Services of a namespace that moves to another cluster and that are not there yet."""
    found: set[str] = set()
    for old, new in pairs:
        here, there = facts.clusters.get(old.cluster), facts.clusters.get(new.cluster)
        if old.cluster != new.cluster and here is not None and there is not None:
            known = (one.ref for one in here.services if one.ref.namespace == namespace)
            found |= {ref.name for ref in known if there.service(ref.name, ref.namespace) is None}
    return tuple(sorted(found))


def _found(target: TargetId, facts: Facts, desired: DesiredState) -> MeshFacts | None:
    mesh = desired.mesh(target)
    return facts.mesh(target, mesh.type, mesh.namespace, mesh.revision)


def _others(cluster: ClusterFacts, *known: MeshFacts | None) -> Iterable[MeshFacts]:
    return [one for one in cluster.meshes if one not in known]


def _with_services(there: ClusterFacts, here: ClusterFacts, namespaces: Collection[str]) -> ClusterFacts:
    """What is there already is as it is. Labels of services that come belong to the mesh that they leave."""
    services = [
        replace(one, ref=replace(one.ref, cluster=there.cluster), labels={})
        for one in here.services
        if one.ref.namespace in namespaces and there.service(one.ref.name, one.ref.namespace) is None
    ]
    coming = {one.ref.namespace for one in services}
    return replace(
        there,
        namespaces={**{name: here.namespaces.get(name, {}) for name in sorted(coming)}, **there.namespaces},
        services=(*there.services, *services),
        workloads=(*there.workloads, *(one for one in here.workloads if one.namespace in coming)),
    )
