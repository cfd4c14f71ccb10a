"""Which targets a set of meshes means: the one place where MeshSet and VirtualMesh membership are decided."""

from __future__ import annotations

from reconciler.model.documents import View
from reconciler.model.meshes import Mesh, VirtualMesh
from reconciler.model.refs import TargetId
from reconciler.model.selectors import MeshSet
from reconciler.model.versions import is_within


def _fits(chosen: MeshSet, mesh: Mesh, cluster: str, version: str | None) -> bool:
    """Before anybody has looked, any version may be the one; then one that is not known is none."""
    return (
        (not chosen.names or mesh.ref.name in chosen.names)
        and (not chosen.types or mesh.type in chosen.types)
        and (not chosen.clusters or cluster in chosen.clusters)
        and chosen.labels.matches(mesh.labels)
        and (not chosen.versions or version is None or is_within(version, chosen.versions) is True)
    )


def covers(chosen: MeshSet | None, target: TargetId, view: View) -> bool:
    """Whether a target is among the meshes; None and the empty set mean all. Virtual meshes do not nest."""
    mesh = next((mesh for mesh in view.meshes if mesh.ref.name == target.mesh), None)
    if chosen is None:
        return True
    if mesh is None or not _fits(chosen, mesh, target.cluster, view.version):
        return False
    return not chosen.virtual_meshes or any(
        group.ref.name in chosen.virtual_meshes and is_member(group, target, view) for group in view.virtual_meshes
    )


def is_member(group: VirtualMesh, target: TargetId, view: View) -> bool:
    mesh = next((mesh for mesh in view.meshes if mesh.ref.name == target.mesh), None)
    nested = bool(group.members.virtual_meshes)
    return mesh is not None and not nested and _fits(group.members, mesh, target.cluster, view.version)


def groups_of(target: TargetId, view: View) -> tuple[VirtualMesh, ...]:
    """The virtual meshes that a target belongs to, by name."""
    return tuple(group for group in view.virtual_meshes if is_member(group, target, view))
