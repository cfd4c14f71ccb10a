"""What one mesh is asked to do, after all policies were resolved and merged: the input of an adapter's emitters.

Nothing here is about a product; names of services, labels, ports and identities are already resolved
against the facts of the target's cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from reconciler.model.access import AccessAction, Jwt
from reconciler.model.destination_intents import DestinationIntent
from reconciler.model.destinations import Subset
from reconciler.model.facts import ClusterFacts, GatewayFacts, MeshFacts, ServiceFacts
from reconciler.model.findings import Finding
from reconciler.model.ingress_intents import GatewayIntent
from reconciler.model.origins import Origin as Origin
from reconciler.model.reach import EgressIntent, ProxyIntent, ReachIntent
from reconciler.model.refs import DocRef, ServiceRef, TargetId
from reconciler.model.routing import Askers as Askers
from reconciler.model.routing import Backend as Backend
from reconciler.model.routing import Route as Route
from reconciler.model.routing import TrafficSource as TrafficSource
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match
from reconciler.model.workload_intents import DashboardIntent, FilterIntent, TelemetryIntent

_T = TypeVar("_T")
_K = TypeVar("_K")


@dataclass(frozen=True, slots=True)
class HostIntent:
    """All that policies ask of one service: its routes, most specific first, the catch-all last; and the
    leaves that hold for the host as a whole (``traffic.outlier.*``, ``connections.*``, ``loadBalancing.*``).

    ``inbound`` are routes too, of requests that have arrived: what the service's own side does with them (limits,
    authorization); they have no backends but the service, and are empty where no policy asks for any of this.
    ``part_leaves`` are all that hold for a subset as a whole, by its name, where a policy is about it alone."""

    service: ServiceRef
    facts: ServiceFacts | None  # None: it does not exist (yet)
    routes: tuple[Route, ...]  # empty: nothing but host-wide leaves and subsets
    host_leaves: tuple[Leaf, ...]
    subsets: tuple[Subset, ...]  # all that routes to this service use, here or on other hosts, and those declared
    origins: tuple[Origin, ...]
    inbound: tuple[Route, ...] = ()
    part_leaves: Mapping[str, tuple[Leaf, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who may call, resolved; fields are ANDed. ``any_identity``: every caller that has a mesh identity."""

    trust_domain: str = ""
    namespace: str = ""
    service_account: str = ""  # "" with a namespace: every account of it
    raw: str = ""  # spiffe://... as written, a trailing * allowed
    any_identity: bool = False
    ip_include: tuple[str, ...] = ()
    ip_exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessIntent:
    """One access policy on one service. ``identities`` None means every caller, without identity too.

    ``ports`` of a match are already those of the workload (translated from service ports); ``service_matches`` and
    ``service_ports`` are the same in ports of the service, for a proxy that stands before it. ``provider`` decides of a
    Custom; ``jwt`` are the tokens that an Allow takes.
    """

    service: ServiceRef
    selector: Mapping[str, str]  # labels of the workloads behind the service; never empty
    action: AccessAction
    identities: tuple[Identity, ...] | None
    matches: tuple[Match, ...]
    ports: tuple[int, ...]  # workload ports from the target's ports; empty: all
    policy: DocRef
    origins: tuple[Origin, ...]
    provider: str = ""
    jwt: Jwt | None = None
    part: str = ""  # name of the subset whose workloads are meant; "" for all of them
    service_matches: tuple[Match, ...] = ()
    service_ports: tuple[int, ...] = ()
    priority: int = 0  # an Allow wins over what refuses with a lower one


@dataclass(frozen=True, slots=True)
class MtlsIntent:
    """mTLS mode of a whole mesh (service None) or of the workloads behind one service."""

    mode: str  # Strict | Permissive | Disabled
    service: ServiceRef | None
    selector: Mapping[str, str]
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class DefaultDeny:
    """Nothing is reachable unless allowed, except these gateways."""

    gateways: tuple[GatewayFacts, ...]
    origins: tuple[Origin, ...]


@dataclass(frozen=True)
class MeshIntent:
    """All that one target is asked to do. Everything sorted; same input, same value. It has no slots, so that it can
    keep what is looked up in it by name."""

    target: TargetId
    cluster_domain: str
    cluster: ClusterFacts
    mesh: MeshFacts  # discovered, or made up from the Mesh document and the adapter's defaults
    hosts: tuple[HostIntent, ...] = ()
    access: tuple[AccessIntent, ...] = ()
    mtls: tuple[MtlsIntent, ...] = ()
    default_deny: DefaultDeny | None = None
    destinations: tuple[DestinationIntent, ...] = ()
    telemetry: tuple[TelemetryIntent, ...] = ()
    filters: tuple[FilterIntent, ...] = ()
    reaches: tuple[ReachIntent, ...] = ()
    ingress: tuple[GatewayIntent, ...] = ()
    egress: EgressIntent | None = None
    proxies: ProxyIntent | None = None
    dashboards: tuple[DashboardIntent, ...] = ()

    @cached_property
    def hosts_by_name(self) -> Mapping[tuple[str, str], tuple[HostIntent, ...]]:
        return _grouped(self.hosts, lambda one: _name(one.service))

    @cached_property
    def sent_to(self) -> Mapping[tuple[str, str], tuple[Backend, ...]]:
        """By the name of a service, what sends to it: backends and mirrors of routes, of services and of gateways."""
        routes = [route for host in self.hosts for route in host.routes]
        routes += [route for asked in self.ingress for table in asked.tables for route in table.routes]
        sent = (backend for route in routes for backend in (*route.backends, *route.mirrors))
        return _grouped(sent, lambda one: _name(one.service))

    @cached_property
    def access_by_service(self) -> Mapping[ServiceRef, tuple[AccessIntent, ...]]:
        return _grouped(self.access, lambda one: one.service)

    @cached_property
    def access_by_namespace(self) -> Mapping[str, tuple[AccessIntent, ...]]:
        return _grouped(self.access, lambda one: one.service.namespace)

    @cached_property
    def mtls_by_name(self) -> Mapping[tuple[str, str] | None, tuple[MtlsIntent, ...]]:
        """Under None those of the whole mesh."""
        return _grouped(self.mtls, lambda one: _name(one.service) if one.service else None)

    @cached_property
    def mtls_by_namespace(self) -> Mapping[str | None, tuple[MtlsIntent, ...]]:
        return _grouped(self.mtls, lambda one: one.service.namespace if one.service else None)


def _name(service: ServiceRef) -> tuple[str, str]:
    return (service.name, service.namespace)


def _grouped(items: Iterable[_T], key: Callable[[_T], _K]) -> Mapping[_K, tuple[_T, ...]]:
    found: dict[_K, list[_T]] = {}
    for one in items:
        found.setdefault(key(one), []).append(one)
    return {group: tuple(several) for group, several in found.items()}


@dataclass(frozen=True, slots=True)
class Hold:
    """A document's part that is not applied now; what it contributed to live objects stays as it is.

    ``target`` None: on every target. The plan freezes each live object whose origin annotation names ``ref``
    and that is not compiled from ``ref`` now. ``ref`` None: it is unknown what is concerned, so nothing is pruned.
    """

    ref: DocRef | None
    target: TargetId | None
    reason: str
    finding: Finding | None = None
