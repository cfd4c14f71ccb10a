"""Reads what lives in the clusters, and asks for a dry-run only where local comparison finds a difference."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from reconciler.model.documents import DesiredState
from reconciler.model.live import LiveCluster, LiveState, Prediction
from reconciler.model.native import Compiled, NativeKind, NativeObject
from reconciler.model.refs import KindId, ObjectKey, TargetId
from reconciler.pipeline import state
from reconciler.pipeline.discover import adapters_on
from reconciler.pipeline.flow import Stage
from reconciler.pipeline.world import Connections, World
from reconciler.plan.build import setting_for
from reconciler.plan.objects import compared
from reconciler.plan.rules import PlanRules
from reconciler.ports import Cluster, ClusterError

PREDICTIONS_AT_ONCE = 16  # dry-runs under way per cluster


async def observe(
    world: World,
    desired: DesiredState,
    compiled: Compiled,
    rules: PlanRules,
    opened: Connections,
    unreachable: Mapping[str, str],
) -> LiveState:
    """Live objects of every cluster that has a selected target, or had one; ``unreachable`` ones are not tried
    again."""
    names = observed_clusters(world, desired, rules.selection.targets)
    jobs = {
        name: partial(_observe, world, desired, compiled, rules, opened.to(desired.clusters[name]))
        for name in names
        if name not in unreachable
    }
    read = await Stage(world, desired, "reading", jobs).run(
        lambda name, why: world.trouble(desired.clusters[name], why)
    )
    results = {name: read[name] if name in read else unreachable[name] for name in names}
    return LiveState(
        {name: result for name, result in results.items() if isinstance(result, LiveCluster)},
        {name: result for name, result in results.items() if isinstance(result, str)},
    )


def observed_clusters(world: World, desired: DesiredState, chosen: frozenset[TargetId] | None) -> tuple[str, ...]:
    """Clusters with a selected target; without a selection also those where nothing is asked for any more."""
    names = {target.cluster for target in desired.targets if chosen is None or target in chosen}
    if chosen is None:
        names |= {name for name in desired.clusters if state.managed_kinds(world.store, name)}
    return tuple(sorted(names))


def kinds_of(world: World, desired: DesiredState, compiled: Compiled, cluster: str) -> dict[KindId, NativeKind]:
    """Every kind to list on a cluster: the adapters', those compiled, and those ever managed there."""
    kinds = {kind.kind: kind for kind in state.managed_kinds(world.store, cluster)}
    kinds |= {kind.kind: kind for adapter in adapters_on(cluster, desired, world) for kind in adapter.kinds}
    for target, natives in compiled.objects.items():
        if target.cluster == cluster:
            kinds |= {native.key.kind_id: native.kind for native in natives if native.key.kind_id not in kinds}
    return kinds


async def _observe(
    world: World, desired: DesiredState, compiled: Compiled, rules: PlanRules, cluster: Cluster
) -> LiveCluster | str:
    """One cluster as it is, or why it could not be read."""
    kinds = kinds_of(world, desired, compiled, cluster.name)
    try:
        async with asyncio.timeout(desired.settings.limits.timeout):
            listing = await cluster.list_objects([kinds[key] for key in sorted(kinds)])
            live = LiveCluster(
                cluster=cluster.name,
                objects={found.key: found for found in listing.objects},
                unread=listing.unread,
                absent=listing.absent,
                schemas=listing.schemas,
                proven=await asyncio.to_thread(world.store.proven, cluster.name),
            )
            predictions = await _predict(cluster, live, _to_predict(live, desired, compiled, rules))
    except ClusterError as problem:
        return world.trouble(desired.clusters[cluster.name], problem)
    except TimeoutError:
        why = f"not read within {desired.settings.limits.timeout:g} s (limits.timeout)"
        return world.trouble(desired.clusters[cluster.name], why)
    return replace(live, predictions=predictions)


def _to_predict(
    live: LiveCluster, desired: DesiredState, compiled: Compiled, rules: PlanRules
) -> Iterable[tuple[NativeObject, Mapping[str, object]]]:
    for target, natives in compiled.objects.items():
        if target.cluster != live.cluster:
            continue
        setting = setting_for(target, desired, rules)
        for native in natives:
            found = live.objects.get(native.key)
            if found is None:
                continue
            comparison = compared(native, found, setting, live)
            if comparison.needs_prediction:
                yield native, comparison.desired


async def _predict(
    cluster: Cluster, live: LiveCluster, wanted: Iterable[tuple[NativeObject, Mapping[str, object]]]
) -> dict[ObjectKey, Prediction]:
    gate = asyncio.Semaphore(PREDICTIONS_AT_ONCE)

    async def one(native: NativeObject, body: Mapping[str, object]) -> Prediction:
        async with gate:
            return await cluster.predict(body, native.kind)

    pairs = list(wanted)
    predictions = await asyncio.gather(*(one(native, body) for native, body in pairs))
    return {native.key: prediction for (native, _), prediction in zip(pairs, predictions, strict=True)}
