"""What was observed in the clusters: never written by a user, recordable to a file and replayable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.refs import KindId, ServiceRef, TargetId


@dataclass(frozen=True, slots=True)
class PortFacts:
    number: int
    name: str = ""
    target: int | str = 0  # number, or the name of a container port; 0: same as number
    protocol: str = "TCP"
    app_protocol: str = ""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    ref: ServiceRef  # cluster always set
    labels: Mapping[str, str] = field(default_factory=dict)
    selector: Mapping[str, str] = field(default_factory=dict)  # empty: no workloads known
    ports: tuple[PortFacts, ...] = ()
    headless: bool = False


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """A pod template: of a Deployment, StatefulSet, DaemonSet, or a Pod of its own."""

    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)  # of the pods
    service_account: str = "default"
    container_ports: Mapping[str, int] = field(default_factory=dict)  # by name


@dataclass(frozen=True, slots=True)
class CrdFacts:
    """What a cluster serves of one kind; the preferred version first."""

    kind: KindId
    plural: str
    namespaced: bool
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    name: str
    namespace: str
    role: str  # Ingress | EastWest | Egress
    labels: Mapping[str, str] = field(default_factory=dict)  # of its pods


@dataclass(frozen=True, slots=True)
class MeshFacts:
    """One control plane found in a cluster by an adapter's ``detect``."""

    type: str
    namespace: str  # of the control plane; for most meshes the root of its configuration
    version: str = ""
    revision: str = ""
    trust_domain: str = ""
    mtls: str = ""
    gateways: tuple[GatewayFacts, ...] = ()
    enrolled_namespaces: tuple[str, ...] = ()
    root_namespace: str = ""  # where mesh-wide configuration lies; "" when it is ``namespace``


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """``crds`` is None where the cluster cannot say what it serves (a bare directory): then everything is assumed."""

    cluster: str
    version: str = ""
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # name -> labels
    services: tuple[ServiceFacts, ...] = ()
    workloads: tuple[WorkloadFacts, ...] = ()
    crds: Mapping[KindId, CrdFacts] | None = None
    meshes: tuple[MeshFacts, ...] = ()

    def service(self, name: str, namespace: str) -> ServiceFacts | None:
        return next((s for s in self.services if s.ref.name == name and s.ref.namespace == namespace), None)


@dataclass(frozen=True, slots=True)
class Facts:
    """``unreachable`` maps a cluster to why it could not be read; it then has no entry in ``clusters``,
    or one remembered from an earlier run (named in ``stale``)."""

    clusters: Mapping[str, ClusterFacts] = field(default_factory=dict)
    unreachable: Mapping[str, str] = field(default_factory=dict)
    stale: frozenset[str] = frozenset()

    def mesh(self, target: TargetId, mesh_type: str, namespace: str = "", revision: str = "") -> MeshFacts | None:
        """The control plane that a Mesh document means, or None when none was found."""
        found = self.clusters.get(target.cluster)
        for mesh in found.meshes if found else ():
            if mesh.type == mesh_type and namespace in ("", mesh.namespace) and revision in ("", mesh.revision):
                return mesh
        return None
