"""The documents of a repository as typed values: what ``load`` makes and ``compile`` reads.

Every value is in its long form, with variables filled in for one target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import DocRef, ServiceRef, TargetId
from reconciler.model.selectors import Labels, Match, MeshSet, PolicySource, PolicyTarget
from reconciler.model.settings import Mode, Settings, Suspend


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field of a rule that is merged as a whole: ``path`` is its capability path without lists.

    ``value`` is plain JSON data in the long form of docs/api.md (route: a list of objects, timeout.request: "3s").
    Header operations are one leaf per key: ``traffic.headers.request.set`` with ``key`` "x-user".
    """

    path: str
    value: Any
    position: Position
    policy: DocRef
    key: str = ""

    @property
    def slot(self) -> tuple[str, str]:
        """What two leaves must share to be in conflict."""
        return (self.path, self.key)


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One item of ``traffic.route`` or ``traffic.mirror`` (there ``weight`` is the percent)."""

    to: PolicyTarget
    weight: float
    headers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrafficPolicy:
    ref: DocRef
    position: Position
    targets: tuple[PolicyTarget, ...]
    leaves: tuple[Leaf, ...]
    sources: tuple[PolicySource, ...] | None = None  # None: every caller
    matches: tuple[Match, ...] = ()  # empty: every request
    priority: int = 0
    reject_unmatched: bool = False
    expires: datetime | None = None


class AccessAction(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    ref: DocRef
    position: Position
    action: AccessAction
    targets: tuple[PolicyTarget, ...]
    sources: tuple[PolicySource, ...] | None = None  # None: every caller, those without identity included
    matches: tuple[Match, ...] = ()
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class RawObject:
    body: Mapping[str, Any]
    position: Position


@dataclass(frozen=True, slots=True)
class Extension:
    ref: DocRef
    position: Position
    scope: tuple[PolicySource, ...]  # meshes and clusters only; empty: everywhere
    objects: tuple[RawObject, ...]


@dataclass(frozen=True, slots=True)
class Subset:
    name: str
    labels: tuple[tuple[str, str], ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Destination:
    ref: DocRef
    position: Position
    service: ServiceRef
    subsets: tuple[Subset, ...] = ()


@dataclass(frozen=True, slots=True)
class MeshGateway:
    name: str
    role: str  # Ingress | EastWest | Egress
    namespace: str
    selector: Labels


@dataclass(frozen=True, slots=True)
class Mesh:
    ref: DocRef
    position: Position
    type: str
    clusters: tuple[str, ...]  # resolved: names and clusterSelector together
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""  # match.namespace: where its control plane lives
    revision: str = ""  # match.revision
    mtls: str = ""  # Strict | Permissive | Disabled | "" (leave as it is)
    trust_domain: str = ""  # asserted; else the discovered one
    gateways: tuple[MeshGateway, ...] = ()
    disabled_capabilities: tuple[str, ...] = ()
    suspend: Suspend | None = None


@dataclass(frozen=True, slots=True)
class VirtualMesh:
    ref: DocRef
    position: Position
    members: MeshSet
    access: str = ""  # Allow | Deny | MeshDefault | ""
    mtls: str = ""
    leaves: tuple[Leaf, ...] = ()  # defaults.traffic
    access_position: Position = NOWHERE
    mtls_position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class DirectoryConnection:
    """Objects as YAML files. Relative paths are resolved by the I/O layer."""

    path: str
    facts: str = ""


@dataclass(frozen=True, slots=True)
class KubeconfigConnection:
    path: str = ""  # empty: the usual places (KUBECONFIG, ~/.kube/config)
    context: str = ""


@dataclass(frozen=True, slots=True)
class InClusterConnection:
    pass


Connection = DirectoryConnection | KubeconfigConnection | InClusterConnection


@dataclass(frozen=True, slots=True)
class ClusterLimits:
    qps: float = 0.0  # requests per second; 0: no limit, the server's own (429) is waited for
    burst: int = 100
    timeout: float = 30.0  # seconds per request


@dataclass(frozen=True, slots=True)
class Cluster:
    name: str
    position: Position
    connection: Connection
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    cluster_domain: str = "cluster.local"
    mode: Mode | None = None
    prune_when_removed: bool = False  # onRemoved: Prune
    suspend: Suspend | None = None
    limits: ClusterLimits = ClusterLimits()

    @property
    def ref(self) -> DocRef:
        return DocRef("Cluster", "default", self.name)


@dataclass(frozen=True, slots=True)
class View:
    """All documents as they read on one target, its variables filled in. Policies sorted by ref."""

    meshes: tuple[Mesh, ...] = ()
    virtual_meshes: tuple[VirtualMesh, ...] = ()
    destinations: tuple[Destination, ...] = ()
    traffic: tuple[TrafficPolicy, ...] = ()
    access: tuple[AccessPolicy, ...] = ()
    extensions: tuple[Extension, ...] = ()


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
