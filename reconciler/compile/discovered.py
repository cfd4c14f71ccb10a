"""Facts as a revision wants them looked at: without the meshes and namespaces that discovery leaves out. Of recorded
and remembered facts too, so that what a commit leaves out is a change of that commit."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.clusters import Cluster, Discovery
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts

_WHOLE = Discovery()


def discovered(desired: DesiredState, facts: Facts) -> Facts:
    """The same facts where nothing is left out."""
    narrowed = {
        name: _narrowed(found, desired.clusters[name])
        for name, found in facts.clusters.items()
        if name in desired.clusters and desired.clusters[name].discovery != _WHOLE
    }
    return replace(facts, clusters={**facts.clusters, **narrowed}) if narrowed else facts


def _narrowed(found: ClusterFacts, cluster: Cluster) -> ClusterFacts:
    asked = cluster.discovery
    return replace(
        found,
        services=tuple(one for one in found.services if asked.sees(one.ref.namespace)),
        workloads=tuple(one for one in found.workloads if asked.sees(one.namespace)),
        meshes=tuple(one for one in found.meshes if asked.finds(one.type)),
    )
