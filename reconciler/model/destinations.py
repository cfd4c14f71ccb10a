"""Destination: a named thing to call, its hosts and ports, where it answers, its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.rules import Leaf, NativePatch
from reconciler.model.selectors import AccountRef, PolicySource, PolicyTarget


@dataclass(frozen=True, slots=True)
class Subset:
    name: str
    labels: tuple[tuple[str, str], ...]
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class DestinationPort:
    number: int
    name: str
    protocol: str  # HTTP | HTTPS | HTTP2 | GRPC | TCP | TLS | MONGO
    target: int = 0  # 0: the same number


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place where a destination answers. Of a machine that is in the mesh: ``account``, the ``name`` of its proxy,
    the ``cluster`` of that ("": any), and the ``local_address`` at which the service listens behind its proxy."""

    address: str
    ports: Mapping[str, int] = field(default_factory=dict)  # by the name of a port of the destination
    locality: str = ""  # region/zone/subZone
    network: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    weight: int = 0  # 0: not said
    account: AccountRef | None = None
    name: str = ""
    cluster: str = ""
    local_address: str = ""

    def proxy_name(self, service: str) -> str:
        """What the proxy is called that stands before a service here."""
        mark = self.address.replace(".", "-").replace(":", "-")
        return self.name or f"{self.account.name if self.account else service}-{mark}"


@dataclass(frozen=True, slots=True)
class Destination:
    """One of ``service`` (an existing one, to name its parts), ``services`` (that answer for the hosts), ``external``
    with its ``resolution``, ``workloads`` (machines in the mesh; both as ``endpoints``).

    ``leaves`` hold for the hosts as a whole: what ``tls`` and ``failover`` ask, at the paths of a traffic rule.
    """

    ref: DocRef
    position: Position
    service: ServiceRef | None = None
    subsets: tuple[Subset, ...] = ()
    hosts: tuple[str, ...] = ()
    ports: tuple[DestinationPort, ...] = ()
    services: tuple[PolicyTarget, ...] = ()
    resolution: str = ""  # Static | Dns | Dynamic | None, of an external one
    endpoints: tuple[Endpoint, ...] = ()
    in_mesh: bool = False  # its endpoints are machines with a proxy of the mesh
    leaves: tuple[Leaf, ...] = ()
    visible_to: tuple[PolicySource, ...] = ()
    virtual_mesh: str = ""
    native: tuple[NativePatch, ...] = ()

    @property
    def external(self) -> bool:
        return bool(self.resolution)
