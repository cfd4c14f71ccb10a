"""What a repository says, typed and resolved: all documents of a revision, and how they read on each target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.access import AccessPolicy
from reconciler.model.clusters import Cluster
from reconciler.model.destinations import Destination
from reconciler.model.extensions import Extension
from reconciler.model.findings import Position
from reconciler.model.ingress import Ingress
from reconciler.model.meshes import Mesh, VirtualMesh
from reconciler.model.refs import DocRef, TargetId
from reconciler.model.settings import Settings
from reconciler.model.telemetry import TelemetryPolicy
from reconciler.model.traffic import TrafficPolicy


@dataclass(frozen=True, slots=True)
class View:
    """All documents as they read on one target, its variables filled in. Policies sorted by ref.

    ``version``: what its mesh runs, "" where that is not known; None before anybody has looked.
    """

    meshes: tuple[Mesh, ...] = ()
    virtual_meshes: tuple[VirtualMesh, ...] = ()
    destinations: tuple[Destination, ...] = ()
    traffic: tuple[TrafficPolicy, ...] = ()
    access: tuple[AccessPolicy, ...] = ()
    extensions: tuple[Extension, ...] = ()
    telemetry: tuple[TelemetryPolicy, ...] = ()
    ingress: tuple[Ingress, ...] = ()
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A document (ref known) or file (ref None) that could not be used, and so contributes nothing now."""

    path: str
    ref: DocRef | None
    finding: str  # the first finding about it, worded


@dataclass(frozen=True, slots=True)
class DesiredState:
    """One revision of a repository, resolved. ``views`` has an entry for every target."""

    revision: str  # commit sha, or "worktree" for files as they lie
    settings: Settings
    clusters: Mapping[str, Cluster]
    views: Mapping[TargetId, View]
    documents: Mapping[DocRef, Position]  # every valid document
    broken: tuple[Broken, ...] = ()

    @property
    def targets(self) -> tuple[TargetId, ...]:
        return tuple(sorted(self.views))

    def mesh(self, target: TargetId) -> Mesh:
        return next(mesh for mesh in self.views[target].meshes if mesh.ref.name == target.mesh)
