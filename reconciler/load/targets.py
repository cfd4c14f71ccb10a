"""Which clusters each mesh is in: the targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.load.blocks import labels
from reconciler.load.checked import Checked
from reconciler.load.nodes import position
from reconciler.model.clusters import Cluster
from reconciler.model.findings import Finding, warning
from reconciler.model.refs import TargetId


def clusters_of(mesh: Checked, clusters: Mapping[str, Cluster]) -> tuple[str, ...]:
    """The usable clusters that a mesh lists or selects; both of its fields may be given."""
    spec = mesh.root["spec"]
    chosen = {name for name in spec.get("clusters", ()) if name in clusters}
    if "clusterSelector" in spec:
        selector = labels(spec["clusterSelector"])
        chosen |= {name for name, cluster in clusters.items() if selector.matches(cluster.labels)}
    return tuple(sorted(chosen))


def find_targets(meshes: Sequence[Checked], clusters: Mapping[str, Cluster]) -> tuple[TargetId, ...]:
    """Every cluster and mesh that objects may go to, sorted."""
    return tuple(sorted(TargetId(name, mesh.ref.name) for mesh in meshes for name in clusters_of(mesh, clusters)))


def idle_meshes(meshes: Iterable[Checked], clusters: Mapping[str, Cluster]) -> list[Finding]:
    """A warning for each mesh that is in no cluster."""
    return [
        warning(
            "no-cluster",
            f"the mesh `{mesh.ref.name}` is in no cluster, so nothing is done for it",
            position(mesh.root["spec"].at),
            "check `clusters`, `clusterSelector` and the labels and groups of the clusters",
            mesh.ref,
        )
        for mesh in meshes
        if not clusters_of(mesh, clusters)
    ]
