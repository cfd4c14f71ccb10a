"""Reads what lives in the clusters, and asks for a dry-run only where local comparison finds a difference."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from reconciler.model.documents import DesiredState
from reconciler.model.live import LiveCluster, LiveState, Prediction
from reconciler.model.native import Compiled, NativeKind, NativeObject
from reconciler.model.refs import KindId, ObjectKey, TargetId
from reconciler.pipeline import state
from reconciler.pipeline.ahead import Ahead, kinds_ahead
from reconciler.pipeline.flow import Stage
from reconciler.pipeline.kept import Observed
from reconciler.pipeline.world import World
from reconciler.plan.build import setting_for
from reconciler.plan.objects import compared
from reconciler.plan.rules import PlanRules
from reconciler.ports import Cluster, ClusterError, Listing

PREDICTIONS_AT_ONCE = 16  # dry-runs under way per cluster


async def observe(
    world: World,
    desired: DesiredState,
    compiled: Compiled,
    rules: PlanRules,
    ahead: Ahead,
    unreachable: Mapping[str, str],
) -> LiveState:
    """Live objects of every cluster that has a selected target, or had one; ``unreachable`` ones are not tried
    again."""
    names = observed_clusters(world, desired, rules.selection.targets)
    stage = reading(world, desired, compiled, rules, ahead)([name for name in names if name not in unreachable])
    read = await stage.run(lambda name, why: world.late(desired.clusters[name], why))
    return live_state({name: read[name] if name in read else unreachable[name] for name in names})


def reading(
    world: World, desired: DesiredState, compiled: Compiled, rules: PlanRules, ahead: Ahead
) -> Callable[[Iterable[str]], Stage[LiveCluster | str]]:
    """Makes a stage that reads some clusters: each as it is, or why it could not be read."""

    def of(names: Iterable[str]) -> Stage[LiveCluster | str]:
        jobs = {
            name: partial(_observe, world, desired, compiled, rules, ahead, ahead.opened.to(desired.clusters[name]))
            for name in names
        }
        return Stage(world, desired, "reading", jobs)

    return of


def live_state(results: Mapping[str, LiveCluster | str]) -> LiveState:
    return LiveState(
        {name: result for name, result in results.items() if isinstance(result, LiveCluster)},
        {name: result for name, result in results.items() if isinstance(result, str)},
    )


def observed_clusters(world: World, desired: DesiredState, chosen: frozenset[TargetId] | None) -> tuple[str, ...]:
    """Clusters with a selected target; without a selection also those where nothing is asked for any more."""
    names = {target.cluster for target in desired.targets if chosen is None or target in chosen}
    if chosen is None:
        names |= {name for name in desired.clusters if state.managed_kinds(world.remembered, name)}
    return tuple(sorted(names))


def kinds_of(world: World, desired: DesiredState, compiled: Compiled, cluster: str) -> dict[KindId, NativeKind]:
    """Every kind to list on a cluster: the adapters', those compiled, and those ever managed there."""
    kinds = kinds_ahead(world, desired, cluster)
    for target, natives in compiled.objects.items():
        if target.cluster == cluster:
            found = {id(native.kind): native.kind for native in natives}
            kinds |= {kind.kind: kind for kind in found.values() if kind.kind not in kinds}
    return kinds


async def _observe(
    world: World, desired: DesiredState, compiled: Compiled, rules: PlanRules, ahead: Ahead, cluster: Cluster
) -> LiveCluster | str:
    """One cluster as it is, or why it could not be read."""
    kinds = kinds_of(world, desired, compiled, cluster.name)
    try:
        async with asyncio.timeout(desired.settings.limits.timeout):
            listing = await ahead.listing(cluster, [kinds[key] for key in sorted(kinds)])
            proven = await asyncio.to_thread(world.store.proven, cluster.name)
            known = _observed(world, cluster.name, listing, proven)
            under = (desired, compiled.objects, rules.settings, rules.source)
            if not _is(under, known.compared):
                wanted = list(_to_predict(known.live, desired, compiled, rules))
                if wanted:
                    return replace(known.live, predictions=await _predict(cluster, wanted))
                known = replace(known, compared=under)
                if known.token is not None:
                    world.kept.observed[cluster.name] = known
            return known.live
    except ClusterError as problem:
        return world.trouble(desired.clusters[cluster.name], problem)
    except TimeoutError:
        why = f"not read within {desired.settings.limits.timeout:g} s (limits.timeout)"
        return world.trouble(desired.clusters[cluster.name], why)


def _observed(world: World, name: str, listing: Listing, proven: Mapping[ObjectKey, tuple[str, str]]) -> Observed:
    """The cluster as listed; the very same value as in the run before when nothing has changed."""
    known = world.kept.observed.pop(name, None)
    if known is None or listing.token is None or known.token is not listing.token or known.live.proven != proven:
        live = LiveCluster(
            cluster=name,
            objects={found.key: found for found in listing.objects},
            unread=listing.unread,
            absent=listing.absent,
            schemas=listing.schemas,
            proven=proven,
        )
        known = Observed(listing.token, live)
    if known.token is not None:
        world.kept.observed[name] = known
    return known


def _is(mine: tuple[object, ...], its: tuple[object, ...]) -> bool:
    return len(mine) == len(its) and all(one is other for one, other in zip(mine, its, strict=True))


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
    cluster: Cluster, pairs: Sequence[tuple[NativeObject, Mapping[str, object]]]
) -> dict[ObjectKey, Prediction]:
    gate = asyncio.Semaphore(PREDICTIONS_AT_ONCE)

    async def one(native: NativeObject, body: Mapping[str, object]) -> Prediction:
        async with gate:
            return await cluster.predict(body, native.kind)

    predictions = await asyncio.gather(*(one(native, body) for native, body in pairs))
    return {native.key: prediction for (native, _), prediction in zip(pairs, predictions, strict=True)}
