"""Clusters and how they are reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from reconciler.model.findings import Position
from reconciler.model.refs import DocRef
from reconciler.model.settings import Mode, Suspend


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


@dataclass(frozen=True, slots=True)
class ProxiesConnection:
    """A folder with a folder for each proxy. ``authority``: that of the roots that sign their identities; "" means
    ``.authority`` in ``path``. Relative paths are resolved by the I/O layer."""

    path: str
    authority: str = ""
    lifetime: float = 3600.0  # seconds that a certificate is good for; it is replaced after half of them


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is read from at each use: an environment variable, or a file (relative to the repository)."""

    variable: str = ""
    file: str = ""

    @property
    def place(self) -> str:
        return f"environment variable {self.variable!r}" if self.variable else f"file {self.file}"


@dataclass(frozen=True, slots=True)
class ApiConnection:
    """The servers of a mesh that is configured by an API of its own. ``api``: which, by the name of its folder in the
    I/O layer. ``ca``: who signed their certificate, None: one that the machine trusts."""

    api: str
    address: str  # http(s)://host:port
    datacenter: str = ""
    partition: str = ""
    token: SecretPlace | None = None
    ca: SecretPlace | None = None


@dataclass(frozen=True, slots=True)
class AwsConnection:
    """One region of an account of AWS. ``account``: whose the credentials have to be, "" for anybody's; ``role``: to be
    assumed with them; ``secret``: credentials in the form of ~/.aws/credentials, None: those that the library finds.
    ``endpoint``: where the mesh is asked in place of AWS."""

    region: str
    account: str = ""
    role: str = ""
    secret: SecretPlace | None = None
    endpoint: str = ""

    @property
    def api(self) -> str:
        """By which a mesh is asked for it."""
        return "aws"


Connection = (
    DirectoryConnection | ProxiesConnection | KubeconfigConnection | InClusterConnection | ApiConnection | AwsConnection
)


@dataclass(frozen=True, slots=True)
class ClusterLimits:
    qps: float = 0.0  # requests per second; 0: no limit, the server's own (429) is waited for
    burst: int = 100
    timeout: float = 30.0  # seconds per request


@dataclass(frozen=True, slots=True)
class Discovery:
    """What is looked at in a cluster. ``include`` and ``exclude`` are globs of namespaces; without them all are."""

    enabled: bool = True
    mesh_types: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def finds(self, mesh_type: str) -> bool:
        """Whether meshes of a type are looked for."""
        return self.enabled and (not self.mesh_types or mesh_type in self.mesh_types)

    def sees(self, namespace: str) -> bool:
        """Whether the services and workloads of a namespace are known."""
        meant = not self.include or any(fnmatchcase(namespace, glob) for glob in self.include)
        return meant and not any(fnmatchcase(namespace, glob) for glob in self.exclude)


@dataclass(frozen=True, slots=True)
class Cluster:
    name: str
    position: Position
    connection: Connection
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    cluster_domain: str = "cluster.local"
    locality: str = ""  # region/zone/subZone, of its machines that do not say where they lie
    mode: Mode | None = None
    read_only: bool = False  # access: ReadOnly
    prune_when_removed: bool = False  # onRemoved: Prune
    suspend: Suspend | None = None
    limits: ClusterLimits = ClusterLimits()
    counts_proxies: bool = False  # discovery.proxies
    discovery: Discovery = Discovery()
    is_remembered: bool = True  # onUnreachable.policy: Freeze: what was last known of it counts while it is silent

    @property
    def ref(self) -> DocRef:
        return DocRef("Cluster", "default", self.name)
