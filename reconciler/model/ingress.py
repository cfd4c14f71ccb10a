"""Ingress: what comes in by a gateway, on which listeners, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf, NativePatch, OnUnsupported
from reconciler.model.selectors import Labels, Match, MeshSet


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A Secret of the cluster; without a namespace that of the gateway."""

    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class ListenerTls:
    mode: str  # Simple | Mutual | Passthrough | AutoPassthrough | MeshMutual
    secret: SecretRef | None = None
    client_ca: SecretRef | None = None
    min_version: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    name: str
    port: int
    protocol: str  # HTTP | HTTPS | GRPC | TLS | TCP
    hosts: tuple[str, ...] = ()  # empty: every host
    tls: ListenerTls | None = None
    position: Position = NOWHERE

    @property
    def finds_its_way(self) -> bool:
        """Whether connections say themselves where they go, so that no route is asked."""
        return self.tls is not None and self.tls.mode == "AutoPassthrough"

    @property
    def begins_with(self) -> str:
        """What callers begin with: of two ways a port can have one."""
        if self.tls is not None:
            return "TLS"
        return "TCP" if self.protocol == "TCP" else "HTTP"

    @property
    def carries_http(self) -> bool:
        """Whether requests are seen here, and not connections only."""
        passed_on = self.tls is not None and self.tls.mode in ("Passthrough", "AutoPassthrough")
        return self.protocol in ("HTTP", "HTTPS", "GRPC") and not passed_on


@dataclass(frozen=True, slots=True)
class GatewayRef:
    """One of ``name``: a gateway of the meshes, declared or discovered; or ``controller``: a new one of a class, whose
    objects lie in ``namespace``."""

    position: Position
    meshes: MeshSet | None = None
    clusters: tuple[str, ...] = ()
    name: str = ""
    controller: str = ""
    class_name: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Delegate:
    """Route tables that go on with what a route takes: by name, or by labels."""

    names: tuple[str, ...]
    labels: Labels | None
    position: Position


@dataclass(frozen=True, slots=True)
class IngressRoute:
    """``leaves``: where it goes and what holds on the way, at the paths of a traffic rule."""

    name: str
    listeners: tuple[str, ...]  # empty: all
    hosts: tuple[str, ...]  # empty: those of the listeners
    matches: tuple[Match, ...]
    leaves: tuple[Leaf, ...]
    delegate: Delegate | None
    position: Position


@dataclass(frozen=True, slots=True)
class Ingress:
    """A gateway's listeners and routes; or, when ``delegable``, a table of routes for others to go on with.
    ``outgoing``: callers inside the mesh are led to the gateway, and it sends on what they call."""

    ref: DocRef
    position: Position
    gateways: tuple[GatewayRef, ...]
    listeners: tuple[Listener, ...]
    routes: tuple[IngressRoute, ...]
    options: tuple[Leaf, ...] = ()
    delegable: bool = False
    outgoing: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    on_unsupported: OnUnsupported = OnUnsupported()
    native: tuple[NativePatch, ...] = ()
