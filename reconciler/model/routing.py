"""A route as it is resolved: from whom, which requests, where they go and what holds on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.origins import Origin
from reconciler.model.refs import ServiceRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match
from reconciler.model.workload_intents import WorkloadScope

#: a caller of a route, resolved: it is known by the workloads that call
TrafficSource = WorkloadScope


@dataclass(frozen=True, slots=True)
class Backend:
    """A resolved route or mirror entry: service in the target's own cluster; empty subset means all of it."""

    service: ServiceRef
    weight: float
    subset: str = ""
    port: int = 0  # 0: the port that the caller used
    headers: Mapping[str, Any] = field(default_factory=dict)  # {request: {set, add, remove}, response: {...}}


@dataclass(frozen=True, slots=True)
class Askers:
    """Who is to blame where a part of a route cannot be said: the policies that ask for its matches and callers, for
    where it sends requests, and for where it mirrors them. Of a leaf it is the leaf that knows."""

    match: tuple[Origin, ...] = ()
    backends: tuple[Origin, ...] = ()
    mirrors: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a host: requests of ``sources`` that meet one of ``matches``. Empty tuples mean all.

    ``leaves`` hold every other field of the merged rule by its capability path (``traffic.timeout.request``);
    headers are one leaf per key. ``reject`` marks the route that answers 404 to what no other took.
    """

    sources: tuple[TrafficSource, ...]
    matches: tuple[Match, ...]
    backends: tuple[Backend, ...]  # never empty: the host itself when no policy says where
    mirrors: tuple[Backend, ...]
    leaves: tuple[Leaf, ...]
    origins: tuple[Origin, ...]
    name: str = ""
    reject: bool = False
    askers: Askers = Askers()
