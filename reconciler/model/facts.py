"""What was observed in the clusters: never written by a user, recordable to a file and replayable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.model.refs import KindId, ServiceRef, TargetId

#: the profile of a workload that is not in the mesh although its namespace is
OUTSIDE = "none"


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


@dataclass(frozen=True, slots=True, order=True)
class ProbeFacts:
    """A path that the node asks a pod for, to know how it is; ``port``: of the container, 0 where it is not known."""

    path: str
    port: int


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """A pod template: of a Deployment, StatefulSet, DaemonSet, or a Pod of its own."""

    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)  # of the pods
    service_account: str = "default"
    container_ports: Mapping[str, int] = field(default_factory=dict)  # by name
    probes: tuple[ProbeFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class CrdFacts:
    """What a cluster serves of one kind; the preferred version first.

    ``fields``: which of the field paths that adapters ask for the schema of that version has ("spec.http.mirrors",
    lists left out); None where its schema is not known, and then nothing follows from a path that is missing.
    """

    kind: KindId
    plural: str
    namespaced: bool
    versions: tuple[str, ...]
    fields: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """``addresses`` are those under which others reach it, IPs and host names; ``service``: the name of its Service in
    its namespace, ``ports`` are those of it, or the listeners where there is none. ``resource``: the Gateway object
    (its namespace is the same) that it was made from, "" where a person deployed it; ``class_name``: of that object."""

    name: str
    namespace: str
    role: str  # Ingress | EastWest | Egress
    labels: Mapping[str, str] = field(default_factory=dict)  # of its pods
    addresses: tuple[str, ...] = ()
    ports: tuple[PortFacts, ...] = ()
    service: str = ""
    resource: str = ""
    class_name: str = ""


@dataclass(frozen=True, slots=True)
class WaypointFacts:
    """A proxy that stands before services or workloads, on behalf of all their callers. ``closed_to``: namespaces that
    want to use it and that it does not let in."""

    name: str
    namespace: str
    serves: str = "service"  # service | workload | all | none
    service_account: str = ""
    closed_to: tuple[str, ...] = ()

    @property
    def serves_services(self) -> bool:
        return self.serves in ("service", "all")


@dataclass(frozen=True, slots=True)
class MeshFacts:
    """One control plane found in a cluster by an adapter's ``detect``.

    ``tags`` are other names of its revision. ``profiles``: which way of the mesh's several a namespace is enrolled in,
    by namespace; one that is not named is in the default one (""). ``workload_profiles`` are workloads that are not as
    their namespace, by "namespace/kind/name": a profile, or OUTSIDE. ``waypoint_refs`` name the waypoint of a service
    ("namespace/name") or of a whole namespace ("namespace/") as "namespace/name", and "" for none: ask ``waypoint``.
    ``proxies`` counts running proxies by version. ``providers``: extension providers that its configuration defines,
    with their kind. ``settings``: what its configuration says, by dotted path, as text. ``components``: parts of it
    that run beside the control plane, with their version. ``channel``: of its definitions, where there are several.
    ``classes``: gateway classes, each with its controller. ``declared``: its services are those that Destination
    documents with workloads describe, and not services of the cluster.
    """

    type: str
    namespace: str  # of the control plane; for most meshes the root of its configuration
    version: str = ""
    revision: str = ""
    trust_domain: str = ""
    mtls: str = ""
    gateways: tuple[GatewayFacts, ...] = ()
    enrolled_namespaces: tuple[str, ...] = ()
    root_namespace: str = ""  # where mesh-wide configuration lies; "" when it is ``namespace``
    tags: tuple[str, ...] = ()
    trust_domain_aliases: tuple[str, ...] = ()
    profiles: Mapping[str, str] = field(default_factory=dict)
    workload_profiles: Mapping[str, str] = field(default_factory=dict)
    waypoints: tuple[WaypointFacts, ...] = ()
    waypoint_refs: Mapping[str, str] = field(default_factory=dict)
    proxies: Mapping[str, int] = field(default_factory=dict)
    providers: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    components: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    declared: bool = False

    def profile(self, namespace: str, workload: WorkloadFacts | None = None) -> str:
        """The profile of a workload, else of its namespace; OUTSIDE only of a workload that is taken out."""
        named = f"{namespace}/{workload.kind}/{workload.name}" if workload else ""
        return self.workload_profiles.get(named, self.profiles.get(namespace, ""))

    def waypoint_ref(self, service: str, namespace: str) -> str:
        """The waypoint that a service is to have, as "namespace/name", be it there or not; "" for none."""
        return self.waypoint_refs.get(f"{namespace}/{service}", self.waypoint_refs.get(f"{namespace}/", ""))

    def waypoint(self, service: str, namespace: str) -> WaypointFacts | None:
        """The waypoint that requests to a service pass; None where none does."""
        ref = self.waypoint_ref(service, namespace)
        named = (one for one in self.waypoints if f"{one.namespace}/{one.name}" == ref and one.serves_services)
        return next((one for one in named if namespace not in one.closed_to), None) if ref else None

    def enrolls(self, workload: WorkloadFacts) -> bool:
        """Whether a workload is in the mesh, as its pods or its namespace say."""
        own = self.workload_profiles.get(f"{workload.namespace}/{workload.kind}/{workload.name}")
        return own != OUTSIDE if own is not None else workload.namespace in self.enrolled_namespaces


@dataclass(frozen=True)
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
        return self._services.get((namespace, name))

    @property
    def services_by_name(self) -> Mapping[tuple[str, str], ServiceFacts]:
        """By namespace and name."""
        return self._services

    @cached_property
    def service_labels(self) -> frozenset[str]:
        """The keys of all labels that services have."""
        return frozenset(key for one in self.services for key in one.labels)

    def workloads_in(self, namespace: str) -> tuple[WorkloadFacts, ...]:
        return self._workloads.get(namespace, ())

    def workloads_with(self, namespace: str, labels: Mapping[str, str]) -> tuple[WorkloadFacts, ...]:
        """The workloads of a namespace whose pods have all these labels."""
        first = next(iter(labels.items()), None)
        near = self._labelled.get((namespace, *first), ()) if first else self.workloads_in(namespace)
        if len(labels) < 2:
            return near
        return tuple(one for one in near if all(one.labels.get(key) == value for key, value in labels.items()))

    def workloads_under(self, namespace: str, account: str) -> tuple[WorkloadFacts, ...]:
        """The workloads that run under a service account."""
        return self._accounts.get((namespace, account), ())

    @cached_property
    def _labelled(self) -> dict[tuple[str, str, str], tuple[WorkloadFacts, ...]]:
        found: dict[tuple[str, str, str], list[WorkloadFacts]] = {}
        for one in self.workloads:
            for key, value in one.labels.items():
                found.setdefault((one.namespace, key, value), []).append(one)
        return {label: tuple(several) for label, several in found.items()}

    @cached_property
    def _accounts(self) -> dict[tuple[str, str], tuple[WorkloadFacts, ...]]:
        found: dict[tuple[str, str], list[WorkloadFacts]] = {}
        for one in self.workloads:
            found.setdefault((one.namespace, one.service_account), []).append(one)
        return {account: tuple(several) for account, several in found.items()}

    @cached_property
    def _services(self) -> dict[tuple[str, str], ServiceFacts]:
        return {(one.ref.namespace, one.ref.name): one for one in reversed(self.services)}

    @cached_property
    def _workloads(self) -> dict[str, tuple[WorkloadFacts, ...]]:
        found: dict[str, list[WorkloadFacts]] = {}
        for one in self.workloads:
            found.setdefault(one.namespace, []).append(one)
        return {namespace: tuple(several) for namespace, several in found.items()}


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
            named = revision in ("", mesh.revision, *mesh.tags)
            if mesh.type == mesh_type and namespace in ("", mesh.namespace) and named:
                return mesh
        return None
