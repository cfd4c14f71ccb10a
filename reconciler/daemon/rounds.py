"""One round of the daemon: the pipeline once, its outcome logged, its failure recorded and survived."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.daemon.metrics import Metrics
from reconciler.model.commits import Commit
from reconciler.model.plans import ApplyResult
from reconciler.pipeline import run as pipeline
from reconciler.pipeline import state
from reconciler.pipeline.breaker import Circuit
from reconciler.pipeline.outcome import Run
from reconciler.pipeline.record import RunContext, run_event
from reconciler.pipeline.world import Request, World
from reconciler.ports import OutsideError, SourceError, StoreError


@dataclass(frozen=True, slots=True)
class Round:
    """``interval`` and ``jitter`` in seconds as the Reconciler document has them; None when it could not be read.
    ``run``: what was done, None when the round failed as a whole."""

    code: int
    failed: bool
    interval: float | None = None
    jitter: float = 0.0
    source_failed: bool = False
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on: the log and the metrics."""

    log: Any
    metrics: Metrics

    def circuit(self, cluster: str, circuit: Circuit | None) -> None:
        """Told of every change of a cluster's circuit."""
        self.metrics.circuit(cluster, circuit)
        if circuit is None:
            self.log.info("circuit closed", cluster=cluster)
        elif not circuit.trying:
            retry = circuit.retry_at.isoformat()
            self.log.warning("circuit open", cluster=cluster, why=circuit.reason, since=circuit.since.isoformat(),
                             failures=circuit.failures, retry_at=retry)  # fmt: skip

    def wrote(self, result: ApplyResult, about: Mapping[str, str]) -> None:
        """Told of each write as it is done; ``about`` names the run and its commit."""
        self.metrics.wrote(result)
        change = result.change
        write = self.log.info if result.event_id else self.log.error
        write(
            "object",
            **about,
            outcome=str(result.outcome),
            cluster=change.target.cluster,
            mesh=change.target.mesh,
            object=str(change.key),
            event_id=result.event_id,
            error=result.message or None,
        )


async def one_round(world: World, request: Request, trigger: str, stop: Callable[[], bool], watch: Watch) -> Round:
    """Never raises but for what must end the process (cancellation): a failed round is told, recorded, survived."""
    acting = replace(world, actor=replace(world.actor, trigger=trigger))
    log, started = watch.log, time.perf_counter()
    about: dict[str, str] = {}

    def begun(context: RunContext) -> None:
        about.update(run=context.run, commit=context.commit.short)

    try:
        run = await pipeline.apply(
            acting, request, progress=lambda result: watch.wrote(result, about), stop=stop, begun=begun
        )
    except OutsideError as problem:
        watch.metrics.failed(time.perf_counter() - started, world.now().timestamp())
        log.error("round failed", error=str(problem), retryable=problem.retryable)
        _record_failure(acting, str(problem), log)
        return Round(1, failed=True, source_failed=isinstance(problem, SourceError))
    except Exception as problem:
        watch.metrics.failed(time.perf_counter() - started, world.now().timestamp())
        log.exception("round ended by a bug", error=repr(problem))
        _record_failure(acting, f"bug: {problem!r}", log)
        return Round(1, failed=True)
    watch.metrics.finished(run, time.perf_counter() - started, world.now().timestamp(), beside=bool(request.beside))
    _log_run(run, log)
    desired = run.planned.desired
    if desired is None:
        return Round(run.code, failed=False, run=run)
    if world.breakers is not None:
        world.breakers.kept(frozenset(desired.clusters))
    return Round(run.code, False, desired.settings.interval, desired.settings.jitter, run=run)


def _log_run(run: Run, log: Any) -> None:
    commit = run.planned.prepared.commit
    for finding in run.planned.findings:
        log.warning("finding", run=run.id, severity=str(finding.severity), code=finding.code, text=str(finding))
    for row in run.rows:
        counts = {name: getattr(row, name) for name in row.__slots__ if name != "target" and getattr(row, name)}
        log.info("target", run=run.id, commit=commit.short, cluster=row.target.cluster, mesh=row.target.mesh, **counts)
    log.info("round finished", run=run.id, commit=commit.short, exit_code=run.code)


def _record_failure(world: World, why: str, log: Any) -> None:
    context = RunContext("", world.actor, Commit(""))
    try:
        event = run_event(context, world.new_id(), world.now(), "run.failed", {}, result="error", error=why)
        world.store.append([event])
        known = dict(state.last_status(world.store) or {})
        state.record_status(world.store, {**_empty(world), **known, "result": f"error: {why}", "exitCode": 1,
                                          "time": world.now().isoformat()})  # fmt: skip
    except StoreError as problem:
        log.error("the failure could not be recorded either", error=str(problem))


def _empty(world: World) -> dict[str, Any]:
    return {
        "run": "", "source": world.source.name, "revision": "", "subject": "", "trigger": world.actor.trigger,
        "targets": [], "findings": [],
    }  # fmt: skip
