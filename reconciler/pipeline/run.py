"""The doors: ``plan`` stops before the first write, ``apply`` goes on to the last event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from reconciler.model.findings import has_errors
from reconciler.model.plans import ApplyResult, Outcome
from reconciler.pipeline import remember
from reconciler.pipeline.apply import Progress
from reconciler.pipeline.carry import Carry
from reconciler.pipeline.identities import renew_identities
from reconciler.pipeline.leases import Leases, last_leases
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.parts import in_parts
from reconciler.pipeline.planning import Planned, make_plan
from reconciler.pipeline.recap import exit_code, recap, totals
from reconciler.pipeline.record import RunContext
from reconciler.pipeline.recover import recover
from reconciler.pipeline.second_look import looked_again
from reconciler.pipeline.world import Connections, Request, World, connections
from reconciler.pipeline.writing import Means
from reconciler.ports import SourceError


async def plan(world: World, request: Request) -> Run:
    """Plan only: nothing is written, neither to a cluster nor to the audit log."""
    async with connections(world) as opened:
        planned = await make_plan(world, request, opened)
    if planned.plan is None:
        return Run(world.new_id(), planned, code=1)
    rows = recap(planned.plan, ())
    pending = any(change.pending for change in planned.plan.changes)
    code = exit_code(totals(rows, errors=has_errors(planned.findings), pending=pending))
    return Run(world.new_id(), planned, rows=rows, code=code)


async def apply(
    world: World,
    request: Request,
    progress: Progress = lambda _result: None,
    stop: Callable[[], bool] = lambda: False,
    approved: str = "",
    begun: Callable[[RunContext], None] = lambda _context: None,
) -> Run:
    """Plan and carry out. ``approved``: the fingerprint that the plan must have, else nothing is written. ``begun`` is
    told of the run before its first write.

    StoreError, SourceError pass through; what was written before is recorded or completed by the next run.
    """
    run_id = world.new_id()
    async with connections(world) as opened:
        recovered = await _recover_first(world, request, opened)
        leases = Leases(world, await last_leases(world))
        parts = await in_parts(world, request, opened)
        try:
            planned = parts.first
            context = RunContext(run_id, world.actor, planned.prepared.commit)
            _refuse_uncommitted(world, planned)
            if planned.plan is None or planned.desired is None:
                run = Run(run_id, planned, code=1, recovered=recovered)
            elif approved and planned.plan.fingerprint != approved:
                return Run(run_id, planned, rows=recap(planned.plan, ()), code=1, moved=True, recovered=recovered)
            else:
                begun(context)
                means = Means(world, context, opened, leases, progress, stop)
                planned, results = await Carry(means).out(parts)
                await renew_identities(world, context, opened, planned)
                planned = await looked_again(world, opened, planned, results, stop)
                run = await _finished(run_id, planned, tuple(results), recovered, leases)
        finally:
            await parts.end()
        run = replace(run, beside=request.beside)
        await asyncio.to_thread(remember.after, world, context, run)
        opened.retire(_troubled(run))
    return run


def _refuse_uncommitted(world: World, planned: Planned) -> None:
    if planned.prepared.commit.sha == "worktree":
        raise SourceError(f"{world.source.name} is no Git repository with a commit: only what is committed is applied")


def _troubled(run: Run) -> frozenset[str]:
    """Clusters that did not answer, at the beginning or later."""
    lost = {result.change.target.cluster for result in run.results if result.outcome is Outcome.UNREACHABLE}
    return frozenset({*run.planned.facts.unreachable, *run.planned.live.unreachable, *lost})


async def _recover_first(world: World, request: Request, opened: Connections) -> int:
    """Complete the record of a run that died, before anything is compared or written."""
    pending = await asyncio.to_thread(world.store.pending_intents)
    where = {intent.event.target.cluster for intent in pending if intent.event.target}
    left_out = world.left_out(request)
    if not pending or (where and where <= left_out):
        return 0
    planned = await make_plan(world, request, opened)
    if planned.desired is None:
        return 0
    kinds = remember.all_kinds(world, planned)
    silent = {*left_out, *planned.live.unreachable, *planned.facts.unreachable}
    return await recover(world, planned.desired, opened, kinds, silent)


async def _finished(
    run_id: str, planned: Planned, results: tuple[ApplyResult, ...], recovered: int, leases: Leases
) -> Run:
    """The run with its counts, and with what it left to others."""
    made = planned.plan
    assert made is not None
    rows = recap(made, results)
    pending = any(change.pending and change.withheld is not None for change in made.changes)
    pending = pending or any(result.outcome is Outcome.SKIPPED for result in results)
    code = exit_code(totals(rows, errors=has_errors(planned.findings), pending=pending))
    told = replace(planned.prepared, findings=planned.prepared.findings + leases.findings())
    elsewhere = await leases.elsewhere(target.target for target in made.targets)
    return Run(run_id, replace(planned, prepared=told), results, rows, code, recovered=recovered, elsewhere=elsewhere)
