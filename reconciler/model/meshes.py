"""Meshes and the groups that they are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.extensions import RawObject
from reconciler.model.findings import NOWHERE, Position
from reconciler.model.refs import DocRef
from reconciler.model.rules import Leaf, NativePatch
from reconciler.model.selectors import Labels, MeshSet
from reconciler.model.settings import Suspend


@dataclass(frozen=True, slots=True)
class MeshGateway:
    name: str
    role: str  # Ingress | EastWest | Egress
    namespace: str
    selector: Labels
    port: int = 0  # at which others reach it; 0: as discovered
    addresses: tuple[str, ...] = ()  # under which others reach it; empty: as discovered


@dataclass(frozen=True, slots=True)
class Install:
    """The control plane as native objects: those of the files at ``path``, which ``digest`` stands for. ``namespace``:
    of objects that name none. ``problem``: what is wrong with the files, so that none of it is written; "" else."""

    position: Position
    present: bool = True
    path: str = ""
    namespace: str = ""
    digest: str = ""
    objects: tuple[RawObject, ...] = field(default=(), compare=False)
    problem: str = ""


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
    egress: str = ""  # AllowAny | RegistryOnly | "" (leave as it is)
    dns_capture: bool | None = None  # proxies answer the questions of workloads for names; None: leave as it is
    hold: bool | None = None  # workloads start after their proxies; None: leave as it is
    trust_domain: str = ""  # asserted; else the discovered one
    trust_domain_aliases: tuple[str, ...] | None = None  # asserted; None says nothing about them
    version: str = ""  # the range in which its version is to be
    gateways: tuple[MeshGateway, ...] = ()
    disabled_capabilities: tuple[str, ...] = ()
    suspend: Suspend | None = None
    native: tuple[NativePatch, ...] = ()
    install: Install | None = None  # None: its control plane is somebody else's


@dataclass(frozen=True, slots=True)
class VirtualMesh:
    ref: DocRef
    position: Position
    members: MeshSet
    access: str = ""  # Allow | Deny | MeshDefault | ""
    mtls: str = ""
    leaves: tuple[Leaf, ...] = ()  # defaults.traffic
    telemetry: tuple[Leaf, ...] = ()  # defaults.telemetry
    access_position: Position = NOWHERE
    mtls_position: Position = NOWHERE
