"""Everything outside that a run needs, as one value; and what a run is asked to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.adapters.base import Adapter
from reconciler.model import clusters
from reconciler.model.events import Actor
from reconciler.model.facts import Facts
from reconciler.model.health import ObjectHealth
from reconciler.model.live import LiveCluster
from reconciler.model.native import Verdict
from reconciler.model.plans import TargetPlan
from reconciler.model.refs import TargetId
from reconciler.pipeline.breaker import Breakers
from reconciler.pipeline.granted import Granted
from reconciler.pipeline.kept import Kept
from reconciler.pipeline.kept_connections import KeptConnections
from reconciler.plan.mask import Masking
from reconciler.ports import Cluster, ClusterError, Forbidden, Rejected, Source, Store, Throttled, Values

OpenCluster = Callable[[clusters.Cluster], Cluster]


@dataclass(frozen=True)
class World:
    """``now`` and ``new_id`` are the only clock and the only randomness of a run.

    ``shortest_lease``: seconds; a target's lease is longer where requests to its cluster may take long.
    ``breakers``: what a daemon remembers of sick clusters, None where one run is all there is. ``beside``: by cluster,
    writes that a round did not wait for and that are about to end. ``seen_health``: per target what was found last, and
    all that it was found in. ``answered``: per target, the verdicts that were last recorded.
    """

    source: Source
    store: Store
    open_cluster: OpenCluster
    adapters: Mapping[str, Adapter]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    actor: Actor
    shortest_lease: float = 30.0
    granted: Granted = field(default_factory=Granted)
    kept: Kept = field(default_factory=Kept)
    connections: KeptConnections | None = None
    breakers: Breakers | None = None
    beside: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    answered: dict[TargetId, tuple[Verdict, ...]] = field(default_factory=dict)
    seen_health: dict[TargetId, tuple[TargetPlan, LiveCluster, tuple[ObjectHealth, ...]]] = field(default_factory=dict)

    @property
    def remembered(self) -> Values:
        """What is kept for each target, as it was when the plan began."""
        return self.kept.remembered or self.store

    def why_not(self, cluster: clusters.Cluster, request: Request) -> str:
        """Why a round does not ask a cluster at all, or ""."""
        return self.breakers.why_not(cluster) if self.breakers and request.beside != cluster.name else ""

    def left_out(self, request: Request) -> frozenset[str]:
        """The clusters that a round does not ask."""
        found = self.breakers.open() if self.breakers else {}
        return frozenset(name for name in found if name != request.beside)

    def trouble(self, cluster: clusters.Cluster, problem: ClusterError | str) -> str:
        """What went wrong on a cluster, in words. Its circuit opens, unless it only said no to what was asked."""
        if self.breakers and not isinstance(problem, (Forbidden, Rejected)):
            asked = problem.retry_after if isinstance(problem, Throttled) else 0.0
            self.breakers.failed(cluster, str(problem), asked)
        return str(problem)

    def late(self, cluster: clusters.Cluster, why: str) -> str:
        """Others have waited for it long enough: it goes on beside their rounds, beginning now."""
        if self.breakers:
            self.breakers.late(cluster, why)
        return why

    def late_ones(self) -> frozenset[str]:
        """The clusters that go on beside the rounds because they are late or slow."""
        found = self.breakers.open() if self.breakers else {}
        return frozenset(name for name, circuit in found.items() if circuit.slow)


@dataclass(frozen=True, slots=True)
class Request:
    """What a command asks. ``revision``: "" the head, "worktree" the files as they lie, else a Git revision.

    ``beside``: the one cluster of a round beside those of all others. ``facts`` replaces discovery; ``confirmed`` are
    guard fingerprints given by hand. ``masking``: see ``reconciler.plan.mask``.
    """

    revision: str = ""
    limit: str = ""
    kinds: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    confirmed: frozenset[str] = frozenset()
    facts: Facts | None = None
    beside: str = ""
    masking: Masking = field(default_factory=Masking)


@dataclass
class Connections:
    """Open clusters of one run, each opened once and closed at its end, unless they are kept for the next one."""

    open_cluster: OpenCluster
    opened: dict[str, Cluster] = field(default_factory=dict)
    kept: KeptConnections | None = None

    def to(self, cluster: clusters.Cluster) -> Cluster:
        """ClusterError when the connection cannot even be made up (no such kubeconfig)."""
        if cluster.name not in self.opened:
            self.opened[cluster.name] = self.open_cluster(cluster)
        return self.opened[cluster.name]

    def left(self, name: str) -> Cluster | None:
        """Not to be closed with the others: whoever takes it closes it."""
        if self.kept is not None:
            self.kept.forget(name)
        return self.opened.pop(name, None)

    @property
    def taken_over(self) -> bool:
        """Whether what was read may be as old as the run before, as long as nobody told the server to look."""
        return self.kept is not None and any(self.kept.taken_over(name) for name in self.opened)

    def retire(self, names: Iterable[str]) -> None:
        """Open these anew when they are asked for: they are in trouble, or must read all anew."""
        if self.kept is not None:
            found = [name for name in names if name in self.opened]
            self.kept.retire(found)
            for name in found:
                del self.opened[name]

    async def close(self) -> None:
        for cluster in self.opened.values():
            await cluster.close()


@asynccontextmanager
async def connections(world: World) -> AsyncIterator[Connections]:
    """The connections of one run: taken over from the one before where the process keeps them."""
    kept = world.connections
    opened = Connections(kept.to if kept else world.open_cluster, kept=kept)
    if kept:
        kept.begin()
    try:
        yield opened
    finally:
        await (kept.end(world.now()) if kept else opened.close())
        if kept:
            world.kept.only(kept.names)  # a new connection reads all anew: the old objects are not to lie beside


@asynccontextmanager
async def keeping_connections(world: World) -> AsyncIterator[World]:
    """The same world for runs in this event loop that take over each other's connections."""
    kept = KeptConnections(world.open_cluster)
    try:
        yield replace(world, connections=kept)
    finally:
        await kept.close()
