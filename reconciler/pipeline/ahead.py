"""What lives in the clusters, read while the desired state is being compiled: nearly all kinds are known before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.model.documents import DesiredState
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId
from reconciler.pipeline.discover import adapters_on
from reconciler.pipeline.flow import cut_off
from reconciler.pipeline.state import managed_kinds
from reconciler.pipeline.world import Connections, World
from reconciler.ports import Cluster, Listing


def kinds_ahead(world: World, desired: DesiredState, cluster: str) -> dict[KindId, NativeKind]:
    """The kinds to list on a cluster whatever is compiled: the adapters', and those ever managed there."""
    kinds = {kind.kind: kind for kind in managed_kinds(world.remembered, cluster)}
    return kinds | {kind.kind: kind for adapter in adapters_on(cluster, desired, world) for kind in adapter.kinds}


@dataclass(frozen=True)
class Ahead:
    """``begun``: per cluster the list that is under way, and its kinds; the others are listed when it is asked for."""

    opened: Connections
    begun: dict[str, tuple[dict[KindId, NativeKind], asyncio.Task[Listing]]] = field(default_factory=dict)

    async def listing(self, cluster: Cluster, kinds: Sequence[NativeKind]) -> Listing:
        """All of these kinds: those that were not known before are read now. ClusterError passes through."""
        if cluster.name not in self.begun:
            return await cluster.list_objects(kinds)
        known, task = self.begun.pop(cluster.name)
        listing = await task
        more = [kind for kind in kinds if kind.kind not in known]
        return _both(listing, await cluster.list_objects(more)) if more else listing

    async def end(self) -> None:
        await cut_off([task for _, task in self.begun.values()])


def read_ahead(world: World, desired: DesiredState, opened: Connections, names: Iterable[str]) -> Ahead:
    """Begin to list these clusters. Whoever takes it ends it."""
    gate = asyncio.Semaphore(desired.settings.limits.parallel_clusters)

    async def listed(cluster: Cluster, kinds: dict[KindId, NativeKind]) -> Listing:
        async with gate:
            return await cluster.list_objects([kinds[key] for key in sorted(kinds)])

    begun = {}
    for name in names:
        kinds = kinds_ahead(world, desired, name)
        begun[name] = (kinds, asyncio.create_task(listed(opened.to(desired.clusters[name]), kinds)))
    return Ahead(opened, begun)


def _both(one: Listing, other: Listing) -> Listing:
    return Listing(
        objects=tuple(sorted((*one.objects, *other.objects), key=lambda found: found.key)),
        unread={**one.unread, **other.unread},
        absent=one.absent | other.absent,
        schemas={**one.schemas, **other.schemas},
    )
