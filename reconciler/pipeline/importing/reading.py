"""What is imported, and the ground it is to stand on: a live cluster of a repository, or files that belong to none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.adapters.base import Adapter
from reconciler.adapters.importing import Body, key_of, no_importer
from reconciler.compile.gates import gated_kinds, with_fields
from reconciler.io.facts import cluster_facts
from reconciler.load import load
from reconciler.model.commits import SourceTree
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts
from reconciler.model.imports import Import
from reconciler.model.refs import TargetId
from reconciler.pipeline.discover import detection_kinds
from reconciler.pipeline.importing.documents import Place
from reconciler.pipeline.importing.objects import is_own, lent_keys, unlisted, with_namespace
from reconciler.pipeline.importing.proof import Ground, Unusable, import_objects
from reconciler.pipeline.importing.scaffold import scaffold
from reconciler.pipeline.world import OpenCluster
from reconciler.ports import Cluster

FOLDER = "policies/imported"
Adapters = Mapping[str, Adapter]


@dataclass(frozen=True, slots=True)
class Asked:
    """``mesh``: the name of one, or of a type where there is no repository; "" for the only one. No ``namespaces``
    means all of them."""

    adapters: Adapters
    now: datetime
    mesh: str = ""
    namespaces: tuple[str, ...] = ()
    exact: bool = False
    rename: bool = False

    def wants(self, body: Body) -> bool:
        return not self.namespaces or key_of(body).namespace in self.namespaces

    def without_mesh(self) -> Asked:
        """For a repository that has only one."""
        return replace(self, mesh="")

    def ground(self, tree: SourceTree, target: TargetId, facts: Facts, place: Place) -> Ground:
        return Ground(tree, target, facts, self.adapters, self.now, place, self.exact, self.rename)


def import_files(bodies: Iterable[Body], asked: Asked) -> Import:
    """Objects of files alone; services and workloads among them are what selectors are resolved by.

    Raises Unusable, and ValueError for an object that is malformed.
    """
    given = unlisted(bodies)
    adapter = _adapter_for(given, asked)
    tree, target = scaffold(adapter.name, {"inCluster": {}})
    given = [with_namespace(body, adapter, "default") for body in given]
    facts = replace(cluster_facts(target.cluster, given), meshes=adapter.detect(given))
    ground = asked.ground(tree, target, Facts({target.cluster: facts}), Place(FOLDER))
    return import_objects((body for body in given if asked.wants(body)), ground)


def _adapter_for(bodies: Sequence[Body], asked: Asked) -> Adapter:
    """The one that is asked for, else the one that knows most of the kinds; of several the one that has the fewest, so
    that routes of no mesh alone are not taken for those of one that has them beside its own."""
    able = {name: adapter for name, adapter in asked.adapters.items() if adapter.importer is not no_importer}
    if asked.mesh:
        if asked.mesh not in able:
            raise Unusable(f"no adapter {asked.mesh!r} can import; known: {', '.join(sorted(able))}")
        return able[asked.mesh]
    kinds = [key_of(body).kind_id for body in bodies]
    known = {name: sum(is_own(kind, adapter) for kind in kinds) for name, adapter in able.items()}
    if not any(known.values()):
        raise Unusable("there is no object of a mesh among these")
    return able[max(sorted(known), key=lambda name: (known[name], -len(able[name].kinds)))]


async def import_cluster(
    tree: SourceTree, name: str, open_cluster: OpenCluster, asked: Asked, given: Sequence[Body] | None = None
) -> Import:
    """The objects of a live cluster that a repository has, or those ``given`` as if they lived there.

    Raises Unusable and ClusterError.
    """
    desired, findings = load(tree, tuple(asked.adapters))
    if desired is None:
        raise Unusable(str(findings[0]))
    target = _target(desired, name, asked.mesh)
    adapter = asked.adapters[desired.mesh(target).type]
    cluster = open_cluster(desired.clusters[name])
    try:
        async with asyncio.timeout(desired.settings.limits.timeout):
            facts = await _facts(cluster, name, desired, asked.adapters)
            wanted_kinds = [kind for kind in adapter.kinds if kind.exclusive or kind.kind in adapter.lending]
            listing = await cluster.list_objects(wanted_kinds)
    except TimeoutError:
        raise Unusable(f"{name}: not read within {desired.settings.limits.timeout:g} s (limits.timeout)") from None
    finally:
        await cluster.close()
    found: list[Body] = [one.body() for one in sorted(listing.objects, key=lambda one: one.key)]
    live = [body for body in found if is_own(key_of(body).kind_id, adapter) or lent_keys(body, adapter)]
    bodies = [with_namespace(body, adapter, "default") for body in unlisted(live if given is None else given)]
    wanted = [body for body in bodies if asked.wants(body)]
    place = Place(FOLDER, name if len(desired.clusters) > 1 else "")
    tree = _without(tree, wanted, place)
    ground = replace(asked.ground(tree, target, Facts({name: facts}), place), schemas=listing.schemas)
    made = import_objects(wanted, ground)
    unread = {str(kind): reason for kind, reason in sorted(listing.unread.items())} if given is None else {}
    return replace(made, unread=unread)


async def of_kubeconfig(path: str, context: str, open_cluster: OpenCluster, asked: Asked) -> tuple[SourceTree, str]:
    """A repository with nothing but one cluster, and its name. Raises Unusable and ClusterError."""
    connection = {"kubeconfig": {"path": path} | ({"context": context} if context else {})}
    able = {name: one for name, one in sorted(asked.adapters.items()) if one.importer is not no_importer}
    if asked.mesh and asked.mesh not in able:
        raise Unusable(f"no adapter {asked.mesh!r} can import; known: {', '.join(able)}")
    tree, target = scaffold(asked.mesh or next(iter(able)), connection)
    if asked.mesh:
        return tree, target.cluster
    desired, _ = load(tree, tuple(asked.adapters))
    assert desired is not None
    cluster = open_cluster(desired.clusters[target.cluster])
    try:
        inspection = await cluster.inspect(detection_kinds(list(able.values())))
    finally:
        await cluster.close()
    found = [name for name, adapter in able.items() if adapter.detect(inspection.objects)]
    if len(found) != 1:
        told = f"{' and '.join(found)} are there" if found else f"none of {', '.join(able)} is there"
        raise Unusable(f"say which type of mesh with --mesh: {told}")
    return scaffold(found[0], connection)[0], target.cluster


def _target(desired: DesiredState, name: str, mesh: str) -> TargetId:
    if name not in desired.clusters:
        raise Unusable(f"there is no cluster {name}; known: {', '.join(sorted(desired.clusters)) or 'none'}")
    there = [target for target in desired.targets if target.cluster == name and mesh in ("", target.mesh)]
    if len(there) != 1:
        known = ", ".join(target.mesh for target in desired.targets if target.cluster == name) or "none"
        raise Unusable(f"say which mesh of {name} with --mesh; known: {known}")
    return there[0]


async def _facts(cluster: Cluster, name: str, desired: DesiredState, adapters: Adapters) -> ClusterFacts:
    types = {desired.mesh(target).type for target in desired.targets if target.cluster == name}
    here = [adapters[type_] for type_ in sorted(types) if type_ in adapters]
    inspection = await cluster.inspect(detection_kinds(here))
    meshes = tuple(mesh for adapter in here for mesh in adapter.detect(inspection.objects))
    crds = inspection.facts.crds
    if crds is not None:
        crds = with_fields(crds, here, await cluster.schemas(gated_kinds(here)))
    return replace(inspection.facts, cluster=name, meshes=meshes, crds=crds)


def _without(tree: SourceTree, bodies: Iterable[Body], place: Place) -> SourceTree:
    """The repository without the files that are about to be written."""
    mine = {place.path(key_of(body)) for body in bodies}
    return replace(tree, files={path: data for path, data in tree.files.items() if path not in mine})
