"""Reads what the clusters are: served kinds, services, workloads, meshes. Side by side, each with its own limit."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

from reconciler.adapters.base import Adapter
from reconciler.compile.gates import gated_kinds, with_fields
from reconciler.io.kube.kinds import FACT_KINDS, POD
from reconciler.model import clusters
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts
from reconciler.model.native import NativeKind
from reconciler.model.refs import KindId, TargetId
from reconciler.model.rights import HINT, worded
from reconciler.pipeline.flow import Stage
from reconciler.pipeline.kept import Detected
from reconciler.pipeline.recorded import recorded_cluster
from reconciler.pipeline.world import Connections, Request, World
from reconciler.plan.rights import listing, looking_up_kinds
from reconciler.ports import Cluster, ClusterError, Forbidden, Inspection, Schemas


async def discover(
    world: World, desired: DesiredState, opened: Connections, selected: frozenset[TargetId] | None, request: Request
) -> Facts:
    """Facts of every cluster with a selected target; see ``Discovery``."""
    discovery = Discovery(world, desired, opened, selected, request)
    return discovery.facts(await discovery.stage().run(lambda name, why: world.late(desired.clusters[name], why)))


@dataclass(frozen=True)
class Discovery:
    """An unreachable cluster has the facts of its last discovery, marked stale, if there are any and it is one to be
    remembered. A round beside the others takes the last known facts of all but its own cluster."""

    world: World
    desired: DesiredState
    opened: Connections
    selected: frozenset[TargetId] | None
    request: Request

    def stage(self) -> Stage[ClusterFacts | str]:
        """Asks every cluster that is to be asked: its facts, or why there are none."""
        jobs = {
            name: partial(_inspect, self.world, self.desired, self.desired.clusters[name], self.opened)
            for name in self._names()
            if not self._left_out(name)
        }
        return Stage(self.world, self.desired, "discovery", jobs)

    def facts(self, asked: Mapping[str, ClusterFacts | str], still_asked: Container[str] = ()) -> Facts:
        """Of those that are still asked the last known ones are taken, and nothing is said of how they are."""
        results: dict[str, ClusterFacts | str] = {name: why for name in self._names() if (why := self._left_out(name))}
        results |= asked
        forgotten = {
            name for name, result in results.items()
            if isinstance(result, str) and not self.desired.clusters[name].is_remembered
        }  # fmt: skip
        if self.request.beside:
            results |= {name: "not asked in this round" for name in self.desired.clusters if name not in results}
        found = {name: result for name, result in results.items() if isinstance(result, ClusterFacts)}
        unreachable = {name: result for name, result in results.items() if isinstance(result, str)}
        wanted = [name for name in self.desired.clusters if (name in unreachable or name in still_asked)
                  and name not in forgotten]  # fmt: skip
        known = {name: kept for name in wanted if (kept := recorded_cluster(self.world.store, name))}
        return Facts({**found, **known}, unreachable, frozenset(known) & frozenset(unreachable))

    def _names(self) -> list[str]:
        chosen = self.desired.targets if self.selected is None else self.selected & frozenset(self.desired.targets)
        return sorted({target.cluster for target in chosen})

    def _left_out(self, name: str) -> str:
        return self.world.why_not(self.desired.clusters[name], self.request)


async def _inspect(
    world: World, desired: DesiredState, cluster: clusters.Cluster, opened: Connections
) -> ClusterFacts | str:
    """The facts, or why there are none."""
    adapters = adapters_on(cluster.name, desired, world)
    finding = tuple(adapter for adapter in adapters if cluster.discovery.finds(adapter.name))
    try:
        async with asyncio.timeout(desired.settings.limits.timeout):
            try:
                inspection = await opened.to(cluster).inspect(detection_kinds(finding))
                schemas = await opened.to(cluster).schemas(gated_kinds(adapters))
                pods = await _pods(opened.to(cluster), finding) if cluster.counts_proxies else ()
            except Forbidden as problem:
                return await _why_not(problem, opened.to(cluster), adapters, finding)
    except ClusterError as problem:
        return world.trouble(cluster, problem)
    except TimeoutError:
        return world.trouble(cluster, f"no answer within {desired.settings.limits.timeout:g} s (limits.timeout)")
    try:
        return _detected(world, cluster.name, _Looked(inspection, schemas, pods, finding), adapters)
    except ValueError as problem:  # what a control plane is told cannot be read, and no guess is as good
        return str(problem)


async def _pods(cluster: Cluster, adapters: Sequence[Adapter]) -> Sequence[Mapping[str, Any]]:
    """The pods with a proxy, or several where one label is not enough; the very same value where nothing changed."""
    found = [await cluster.pods(label) for label in sorted({one.proxied_pods for one in adapters} - {""})]
    return found[0] if len(found) == 1 else tuple(pod for pods in found for pod in pods)


@dataclass(frozen=True)
class _Looked:
    """All that was read of a cluster to make its facts; ``pods`` are those with a proxy where these are counted,
    ``finding`` the adapters whose meshes are looked for."""

    inspection: Inspection
    schemas: Schemas
    pods: Sequence[Mapping[str, Any]]
    finding: tuple[Adapter, ...]

    @property
    def token(self) -> object:
        """Equal as long as nothing has changed; None: not known."""
        return None if self.inspection.token is None else (self.inspection.token, self.pods, self.finding)


def _detected(world: World, name: str, looked: _Looked, adapters: tuple[Adapter, ...]) -> ClusterFacts:
    """The facts with the meshes that the adapters recognise, and the fields that their claims need; those of the run
    before where nothing has changed."""
    known = world.kept.detected.pop(name, None)
    if known is None or looked.token is None or (known.token, known.adapters) != (looked.token, adapters):
        meshes = tuple(
            mesh for adapter in looked.finding for mesh in adapter.detect(chain(looked.inspection.objects, looked.pods))
        )
        crds = looked.inspection.facts.crds
        gated = None if crds is None else with_fields(crds, adapters, looked.schemas)
        facts = replace(looked.inspection.facts, cluster=name, meshes=meshes, crds=gated)
        known = Detected(looked.token, adapters, facts)
    if known.token is not None:
        world.kept.detected[name] = known
    return known.facts


async def _why_not(
    problem: Forbidden, cluster: Cluster, adapters: Sequence[Adapter], finding: Sequence[Adapter]
) -> str:
    """In words: every right that reading needs and that is missing, not only the first. Raises ClusterError."""
    if problem.status != 403:
        return str(problem)
    listed = [*FACT_KINDS, POD, *detection_kinds(finding), *(kind for adapter in adapters for kind in adapter.kinds)]
    missing = await cluster.missing_rights(sorted(listing(listed) | looking_up_kinds()))
    return f"the account may not {worded(missing)}; {HINT} ({problem})" if missing else str(problem)


def adapters_on(cluster: str, desired: DesiredState, world: World) -> tuple[Adapter, ...]:
    """The adapters of the meshes that Git has on a cluster, by name."""
    types = {desired.mesh(target).type for target in desired.targets if target.cluster == cluster}
    return tuple(world.adapters[name] for name in sorted(types) if name in world.adapters)


def detection_kinds(adapters: Sequence[Adapter]) -> tuple[NativeKind, ...]:
    """What the adapters want to see; a kind that one of them looks at everywhere is looked at everywhere."""
    kinds: dict[KindId, NativeKind] = {}
    for kind in (kind for adapter in adapters for kind in adapter.detect_kinds):
        known = kinds.get(kind.kind, kind)
        beside = {*known.beside, *kind.beside} if known.beside and kind.beside else ()
        kinds[kind.kind] = replace(kind, beside=tuple(sorted(beside)))
    return tuple(kinds[key] for key in sorted(kinds))
