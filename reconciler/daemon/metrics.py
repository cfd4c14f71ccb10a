"""What the daemon counts for Prometheus. One registry per daemon; names in docs/operations.md."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from reconciler import __version__
from reconciler.model.findings import Severity
from reconciler.model.plans import ApplyResult, Recap
from reconciler.pipeline.breaker import Circuit
from reconciler.pipeline.outcome import Run

WHERE = ("cluster", "mesh")
STATES = (
    *("ok", "changed", "pruned", "drifted", "blocked", "unreachable", "failed", "skipped", "late"),
    *("progressing", "degraded"),
)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._rounds = Counter("reconciler_rounds", "Rounds, by how they ended", ["result"], registry=self.registry)
        self._seconds = Histogram(
            "reconciler_round_seconds",
            "How long a round took",
            registry=self.registry,
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
        )
        self._last = Gauge(
            "reconciler_last_round_timestamp_seconds", "When the last round ended", registry=self.registry
        )
        self._good = Gauge(
            "reconciler_last_good_round_timestamp_seconds",
            "When a round last ended with nothing failed, unreachable or wrong",
            registry=self.registry,
        )
        self._objects = Gauge(
            "reconciler_objects", "Objects of the last round, by state", [*WHERE, "state"], registry=self.registry
        )
        self._writes = Counter("reconciler_writes", "Writes, by outcome", [*WHERE, "outcome"], registry=self.registry)
        self._findings = Gauge(
            "reconciler_findings", "Findings of the last round", ["severity"], registry=self.registry
        )
        self._hooks = Counter(
            "reconciler_webhooks", "Deliveries of forges, by the HTTP status of the answer", ["status"],
            registry=self.registry,
        )  # fmt: skip
        self._beside = Counter(
            "reconciler_rounds_beside",
            "Rounds of one sick cluster, by how they ended",
            ["result"],
            registry=self.registry,
        )
        self._circuit = Gauge(
            "reconciler_circuit_open",
            "1 while a cluster is left out of rounds, 0.5 while it is being tried, 0 again after it was",
            ["cluster"],
            registry=self.registry,
        )
        self._trips = Counter(
            "reconciler_circuit_failures",
            "Failures of a cluster that open its circuit",
            ["cluster"],
            registry=self.registry,
        )
        self._retry = Gauge(
            "reconciler_circuit_retry_timestamp_seconds",
            "When a cluster that is left out is tried again",
            ["cluster"],
            registry=self.registry,
        )
        Gauge("reconciler_info", "The running version", ["version"], registry=self.registry).labels(__version__).set(1)

    def wrote(self, result: ApplyResult) -> None:
        target = result.change.target
        self._writes.labels(target.cluster, target.mesh, str(result.outcome)).inc()

    def finished(self, run: Run, seconds: float, now: float, *, beside: bool = False) -> None:
        """``now`` is a Unix time; ``beside``: a round of one cluster alone, which says nothing about the others."""
        if beside:
            self._beside.labels(str(run.code)).inc()
            for row in run.rows:
                self._row(row)
            return
        self._rounds.labels(str(run.code)).inc()
        self._seconds.observe(seconds)
        self._last.set(now)
        if run.code in (0, 2, 3) or (run.code == 4 and not any(row.unreachable for row in run.rows)):
            self._good.set(now)
        self._objects.clear()
        for row in run.rows:
            self._row(row)
        for severity in Severity:
            count = sum(1 for finding in run.planned.findings if finding.severity is severity)
            self._findings.labels(str(severity)).set(count)

    def circuit(self, cluster: str, circuit: Circuit | None) -> None:
        """Told of every change of a circuit; None when it is closed."""
        if circuit is None:
            self._circuit.labels(cluster).set(0)
            self._retry.labels(cluster).set(0)
            return
        self._circuit.labels(cluster).set(0.5 if circuit.trying else 1)
        self._retry.labels(cluster).set(circuit.retry_at.timestamp())
        if not circuit.trying and not circuit.slow:
            self._trips.labels(cluster).inc()

    def failed(self, seconds: float, now: float) -> None:
        self._rounds.labels("failed").inc()
        self._seconds.observe(seconds)
        self._last.set(now)

    def _row(self, row: Recap) -> None:
        for state in STATES:
            self._objects.labels(row.target.cluster, row.target.mesh, state).set(getattr(row, state))

    def hooked(self, status: str) -> None:
        """A delivery was answered."""
        self._hooks.labels(status).inc()

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
