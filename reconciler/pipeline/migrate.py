"""From one mesh to another: compiled as it is and as if the namespaces had moved; and what Git does not know of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

import yaml

from reconciler.compile.migrating import fates
from reconciler.load import load
from reconciler.model.clusters import ApiConnection, AwsConnection
from reconciler.model.commits import SourceTree
from reconciler.model.documents import DesiredState
from reconciler.model.facts import Facts
from reconciler.model.findings import Finding
from reconciler.model.meshes import Mesh
from reconciler.model.migrations import Foreign, Migration
from reconciler.model.native import OWNER_LABEL
from reconciler.model.refs import TargetId
from reconciler.pipeline.compiling import compile_with_ages
from reconciler.pipeline.discover import discover
from reconciler.pipeline.kept import Kept
from reconciler.pipeline.moved import moved
from reconciler.pipeline.stages import Moving, stages
from reconciler.pipeline.world import Connections, Request, World, connections
from reconciler.ports import ClusterError

#: what a mesh of another product is taken to say, too; the rest is about the product
_COPIED = ("mtls", "egress", "trustDomain")


class NoMigration(Exception):
    """There is nothing to move, or nowhere to; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``old``, ``new``: names of Mesh documents, or types; a type that no document has yet gets one in the plan."""

    old: str
    new: str
    namespaces: tuple[str, ...] = ()


async def migrate(world: World, request: Request, asked: Asked) -> tuple[Migration | None, tuple[Finding, ...]]:
    """What becomes of every policy in force, and the steps; None, with findings, for a repository that cannot be used.

    NoMigration for names that mean nothing; SourceError passes. Trouble of clusters is part of the answer. Nothing is
    written, and nothing of what rounds keep is touched.
    """
    world = replace(world, kept=Kept(), connections=None, breakers=None)
    tree = await asyncio.to_thread(world.source.tree, request.revision)
    before, findings = load(tree, tuple(world.adapters))
    if before is None:
        return None, findings
    old = _mesh(asked.old, before)
    added, new = _new_mesh(asked.new, old, before, world)
    desired, findings = load(_with(tree, added), tuple(world.adapters))
    if desired is None:
        return None, findings
    pairs = _pairs(old.ref.name, new, desired)
    async with connections(world) as opened:
        facts = request.facts or await discover(world, desired, opened, _targets(pairs), request)
        foreign, unread = ((), {}) if request.facts else await _foreign(world, desired, pairs, opened)
    now = await compile_with_ages(world, desired, facts, world.now())
    then = await compile_with_ages(world, desired, moved(facts, pairs, desired, asked.namespaces), world.now())
    moving = Moving(old, new, added, pairs, asked.namespaces)
    migration = Migration(
        old=old.ref.name,
        new=new,
        pairs=pairs,
        rows=fates((now.verdicts, then.verdicts), pairs, desired, asked.namespaces),
        stages=stages(moving, desired, facts, now, then),
        foreign=foreign,
        unread={**unread, **facts.unreachable},
        problems=_problems(facts, pairs, desired),
    )
    return migration, (*findings, *now.findings)


def _mesh(name: str, desired: DesiredState) -> Mesh:
    """The Mesh document of that name, or the only one of that type."""
    known = {mesh.ref.name: mesh for view in desired.views.values() for mesh in view.meshes}
    if name in known:
        return known[name]
    of_type = [mesh for mesh in known.values() if mesh.type == name]
    if len(of_type) == 1:
        return of_type[0]
    if of_type:
        raise NoMigration(f"there are several meshes of type {name}: {', '.join(sorted(m.ref.name for m in of_type))}")
    near = get_close_matches(name, known, 1)
    hint = f" (did you mean {near[0]}?)" if near else f"; there are {', '.join(sorted(known))}" if known else ""
    raise NoMigration(f"no mesh in Git is called {name}, and none is of that type{hint}")


def _new_mesh(name: str, old: Mesh, desired: DesiredState, world: World) -> tuple[dict[str, str], str]:
    """The file of a Mesh document to be added, if there is none yet, and its name."""
    known = {mesh.ref.name: mesh for view in desired.views.values() for mesh in view.meshes}
    if name == old.ref.name or (name == old.type and name not in known):
        raise NoMigration(f"{name} is the mesh to move away from")
    if name in known or any(mesh.type == name for mesh in known.values()):
        return {}, _mesh(name, desired).ref.name
    if alone := [one for one in old.clusters if _has_no_other(TargetId(one, old.ref.name), desired)]:
        told = f"no mesh but {old.ref.name} can be in {', '.join(sorted(alone))}: write a Cluster and a Mesh to move to"
        raise NoMigration(told)
    if name not in world.adapters:
        raise NoMigration(f"{name} is neither a mesh in Git nor a mesh type; types are {', '.join(world.adapters)}")
    document = {
        "apiVersion": "reconciler.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": name, **({"labels": dict(old.labels)} if old.labels else {})},
        "spec": {"type": name, "clusters": list(old.clusters), **_config(old)},
    }
    return {f"desired-state/meshes/{name}.yaml": yaml.safe_dump(document, sort_keys=False)}, name


def _config(old: Mesh) -> dict[str, dict[str, str]]:
    values = dict(zip(_COPIED, (old.mtls, old.egress, old.trust_domain), strict=True))
    said = {key: value for key, value in values.items() if value}
    return {"config": said} if said else {}


def _with(tree: SourceTree, added: Mapping[str, str]) -> SourceTree:
    return replace(tree, files={**tree.files, **{path: text.encode() for path, text in added.items()}})


def _pairs(old: str, new: str, desired: DesiredState) -> tuple[tuple[TargetId, TargetId], ...]:
    leaving = [target for target in desired.targets if target.mesh == old]
    found = [(target, there) for target in leaving if (there := TargetId(target.cluster, new)) in desired.views]
    elsewhere = [target for target in desired.targets if target.mesh == new]
    if not found:
        found = [(target, there) for target in leaving if _has_no_other(target, desired) for there in elsewhere]
    if not found:
        raise NoMigration(f"{old} and {new} have no cluster in common")
    return tuple(found)


def _has_no_other(target: TargetId, desired: DesiredState) -> bool:
    """Whether the cluster of a mesh is nothing but its servers, so that no other mesh can be beside it."""
    return isinstance(desired.clusters[target.cluster].connection, (ApiConnection, AwsConnection))


def _targets(pairs: tuple[tuple[TargetId, TargetId], ...]) -> frozenset[TargetId]:
    return frozenset(target for pair in pairs for target in pair)


def _problems(facts: Facts, pairs: tuple[tuple[TargetId, TargetId], ...], desired: DesiredState) -> tuple[str, ...]:
    """Where it is not known which namespaces are in the old mesh, both would be given what is about all of them."""
    found = []
    for old, new in pairs:
        mesh = desired.mesh(old)
        known = facts.mesh(old, mesh.type, mesh.namespace, mesh.revision)
        if known is None or not known.enrolled_namespaces:
            found.append(
                f"no namespace of {old.cluster} is known to be in {old.mesh}: as soon as {new.mesh} is in Git, it gets"
                " the objects of all services there"
            )
    return tuple(found)


async def _foreign(
    world: World, desired: DesiredState, pairs: tuple[tuple[TargetId, TargetId], ...], opened: Connections
) -> tuple[tuple[Foreign, ...], dict[str, str]]:
    """Objects of the old mesh without our label, and where they could not be read."""
    found: list[Foreign] = []
    unread: dict[str, str] = {}
    for old, _ in pairs:
        kinds = [kind for kind in world.adapters[desired.mesh(old).type].kinds if kind.exclusive and not kind.lent]
        try:
            listing = await opened.to(desired.clusters[old.cluster]).list_objects(kinds)
        except ClusterError as problem:
            unread[old.cluster] = str(problem)
            continue
        own = {kind.kind for kind in kinds}
        found += [
            Foreign(old.cluster, one.key)
            for one in listing.objects
            if OWNER_LABEL not in one.labels and one.key.kind_id in own
        ]
    return tuple(sorted(found, key=lambda one: (one.cluster, str(one.key)))), unread
