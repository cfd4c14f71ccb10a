"""Before the first write on a cluster: may the account do all that the targets there need? If not, nothing is tried.

A pass that writes nothing asks nothing. What is found granted is not asked again, see ``granted``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from reconciler.model.documents import DesiredState
from reconciler.model.findings import Finding, Severity
from reconciler.model.native import NativeKind
from reconciler.model.plans import Plan, Reason, TargetPlan
from reconciler.model.refs import KindId, TargetId
from reconciler.model.rights import HINT, Right, worded
from reconciler.pipeline.apply import by_cluster
from reconciler.pipeline.flow import Stage
from reconciler.pipeline.granted import Needs
from reconciler.pipeline.observe import kinds_of
from reconciler.pipeline.planning import Planned
from reconciler.pipeline.world import Connections, World
from reconciler.plan.rights import listing, looking_up_kinds, writing
from reconciler.ports import ClusterError

#: rights that a target lacks, or why this could not be asked
Lacking = tuple[Right, ...] | str


async def preflight(world: World, planned: Planned, plan: Plan, opened: Connections) -> Plan:
    """The same plan with every write withheld on targets whose rights do not suffice, each with a finding that names
    all that is missing. A target whose cluster does not answer any more gets that as its error."""
    desired = planned.desired
    if desired is None:
        return plan
    targets = [target for target in plan.targets if any(change.writes for change in target.changes)]
    found = dict(by_cluster(targets))

    def late(name: str, why: str) -> dict[TargetId, Lacking]:
        return {target.target: world.late(desired.clusters[name], why) for target in found[name]}

    jobs = {name: partial(_cluster, world, planned, desired, opened, name, its) for name, its in found.items()}
    answers = await Stage(world, desired, "asking for rights", jobs, planned.others(jobs)).run(late)
    lacking = {target: lack for answer in answers.values() for target, lack in answer.items() if lack}
    return _without(plan, lacking) if lacking else plan


async def _cluster(
    world: World,
    planned: Planned,
    desired: DesiredState,
    opened: Connections,
    name: str,
    targets: Sequence[TargetPlan],
) -> dict[TargetId, Lacking]:
    document = desired.clusters[name]
    found: dict[TargetId, Lacking] = {}
    try:
        async with asyncio.timeout(desired.settings.limits.timeout):
            for target in targets:
                needs = _needs(world, planned, desired, target)
                found[target.target] = await world.granted.missing(document, opened.to(document), needs)
    except ClusterError as problem:
        why = world.trouble(document, problem)
        return {target.target: why for target in targets}
    except TimeoutError:
        why = world.trouble(document, f"no answer within {desired.settings.limits.timeout:g} s (limits.timeout)")
        return {target.target: why for target in targets}
    return found


def _needs(world: World, planned: Planned, desired: DesiredState, target: TargetPlan) -> Needs:
    """What the target's kinds need, and of the rights to read those of which the reading before does not tell that
    they are there: without them a plan is made, but from less."""
    live = planned.live.clusters[target.target.cluster]
    kinds: dict[KindId, NativeKind] = {}
    places: dict[tuple[str, str], set[str]] = {}
    natives = [(native.key, native.kind) for native in planned.compiled.objects.get(target.target, ())]
    for key, kind in [*natives, *((change.key, change.kind) for change in target.changes)]:
        if kind.kind not in live.absent:
            if not (kind.lent and kind.kind in kinds):
                kinds[kind.kind] = kind
            places.setdefault((kind.kind.group, kind.plural), set()).update({key.namespace} - {""})
    settings = desired.settings
    needed = writing(kinds.values(), deletes=settings.prune or settings.replace_immutable)
    listed = kinds_of(world, desired, planned.compiled, target.target.cluster)
    reading = looking_up_kinds() | listing(listed[kind] for kind in live.unread if kind in listed)
    return {right: frozenset(places.get((right.group, right.resource), ())) for right in sorted(needed)} | {
        right: frozenset() for right in sorted(reading)
    }


def _without(plan: Plan, lacking: Mapping[TargetId, Lacking]) -> Plan:
    targets = tuple(_withheld(target, lacking.get(target.target, ())) for target in plan.targets)
    findings = [_finding(target, found) for target, found in lacking.items() if not isinstance(found, str)]
    return replace(plan, targets=targets, findings=(*plan.findings, *findings))


def _withheld(target: TargetPlan, lacking: Lacking) -> TargetPlan:
    if isinstance(lacking, str):
        return TargetPlan(target.target, target.mode, error=lacking)
    if not lacking:
        return target
    why = f"the account may not {worded(lacking)}; {HINT}"
    changes = [
        replace(change, withheld=Reason.RIGHTS_MISSING, why=why) if change.writes else change
        for change in target.changes
    ]
    return replace(target, changes=tuple(changes))


def _finding(target: TargetId, lacking: tuple[Right, ...]) -> Finding:
    message = f"the account may not {worded(lacking)}, so nothing is written to {target}"
    return Finding(Severity.ERROR, "rights-missing", message, hint=HINT, target=target)
