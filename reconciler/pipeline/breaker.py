"""A circuit breaker per cluster, in the memory of one process: a sick cluster is left out of rounds until it answers.

Decisions are pure functions of what happened, the clock and a spread; ``daemon.beside`` tries open ones again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from reconciler.model.clusters import Cluster

FIRST_PAUSE = 5.0  # seconds until an open circuit is tried for the first time; doubles with each failure
LONGEST_PAUSE = 300.0
UNKNOWN_PACE = 10.0  # seconds that a round waits at least for one whose usual time is not known yet
SHORTEST_PATIENCE = 2.0
PATIENCE = 3.0  # times its usual time that others wait for a cluster
READING = ("discovery", "reading")  # the stages before a plan


@dataclass(frozen=True, slots=True)
class Circuit:
    """An open circuit: why, since when, how often it failed in a row, when it is tried again. ``slow``: as far as is
    known it only takes longer than rounds with others wait for it. ``trying``: half-open, being tried now."""

    cluster: Cluster
    reason: str
    since: datetime
    failures: int
    retry_at: datetime
    slow: bool = False
    trying: bool = False

    def words(self, now: datetime) -> str:
        ago = max(0, round((now - self.since).total_seconds()))
        when = "being tried now" if self.trying or self.retry_at <= now else f"tried again at {_clock(self.retry_at)}"
        return f"{self.reason} (so since {_clock(self.since)}, {ago} s; left out of rounds, {when})"


def pause(failures: int, asked: float, spread: float) -> float:
    """Seconds until the next try after so many failures in a row. ``asked``: what the server asked for; ``spread``
    between 0 and 1 keeps many clusters from being tried at the same time."""
    doubled = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE)
    return max(asked, 0.0) + doubled * (0.75 + 0.5 * spread)


def tripped(before: Circuit | None, cluster: Cluster, reason: str, now: datetime, after: float) -> Circuit:
    """The circuit after one more failure, to be tried again ``after`` seconds."""
    failures = before.failures + 1 if before else 1
    return Circuit(cluster, reason, before.since if before else now, failures, now + timedelta(seconds=after))


@dataclass
class Breakers:
    """One per process. ``now`` and ``spread`` are its clock and its randomness; ``told`` hears of every change:
    the cluster's name and its circuit, None when it is closed."""

    now: Callable[[], datetime]
    spread: Callable[[], float]
    told: Callable[[str, Circuit | None], None] = lambda _name, _circuit: None
    _open: dict[str, Circuit] = field(default_factory=dict)
    _paces: dict[tuple[str, str], float] = field(default_factory=dict)

    def circuit(self, cluster: Cluster) -> Circuit | None:
        """The open circuit of a cluster; None when it is closed. Another connection than before is another cluster."""
        found = self._open.get(cluster.name)
        if found is not None and (found.cluster.connection, found.cluster.limits) != (
            cluster.connection,
            cluster.limits,
        ):
            self.closed(cluster.name)
            return None
        return found

    def why_not(self, cluster: Cluster) -> str:
        """Why a round does not ask this cluster, or ""."""
        found = self.circuit(cluster)
        return found.words(self.now()) if found else ""

    def open(self) -> Mapping[str, Circuit]:
        return dict(self._open)

    def failed(self, cluster: Cluster, reason: str, asked: float = 0.0) -> None:
        """It did not answer as a healthy one does. Told twice of one trouble within a round, it counts once."""
        before = self.circuit(cluster)
        if before and not before.trying and before.retry_at > self.now():
            return
        after = pause(before.failures + 1 if before else 1, asked, self.spread())
        self._set(tripped(before, cluster, reason, self.now(), after))

    def late(self, cluster: Cluster, reason: str) -> None:
        """A round with others went on without it. That is no failure yet: it is tried alone, at once."""
        now, before = self.now(), self.circuit(cluster)
        self._set(Circuit(cluster, reason, before.since if before else now, 0, now, slow=True))

    def tried(self, name: str, well: bool, again: float) -> None:
        """The try has ended, and no failure was told of: closed when all went well and in time; else it goes on
        beside the others, next in ``again`` seconds."""
        found = self._open.get(name)
        if found is None or not found.trying:
            return
        if well and not found.slow:
            self.closed(name)
        else:
            self._set(replace(found, failures=0, retry_at=self.now() + timedelta(seconds=again), trying=False))

    def trying(self, name: str) -> None:
        """Half-open: the one try that decides is under way."""
        found = self._open[name]
        self._set(replace(found, slow=False, trying=True))

    def closed(self, name: str) -> None:
        if self._open.pop(name, None):
            self.told(name, None)

    def kept(self, names: frozenset[str]) -> None:
        """Forget clusters that there are no longer."""
        for name in sorted(set(self._open) - names):
            self.closed(name)

    def patience(self, name: str, stage: str) -> float:
        """Seconds that others wait for a cluster in a stage, from when it began: some times its own usual time."""
        usual = self._paces.get((name, stage))
        return UNKNOWN_PACE if usual is None else max(SHORTEST_PATIENCE, PATIENCE * usual)

    def time_to_plan(self, name: str, others: float) -> float:
        """Seconds that the end of a round waits for the plan of one cluster, from when the round began: some times
        its own usual time, or that of the others."""
        usual = sum(seconds for (known, stage), seconds in self._paces.items() if known == name and stage in READING)
        return max(SHORTEST_PATIENCE, PATIENCE * (usual or others))

    def took(self, name: str, stage: str, seconds: float) -> None:
        """A stage ended well. The usual time moves slowly, and not at all by what a sick cluster takes; one that is
        being tried and keeps nobody's patience is slow."""
        found = self._open.get(name)
        if found is not None:
            if found.trying and seconds > self.patience(name, stage):
                why = f"slow: {stage} took {seconds:.1f} s, and others wait {self.patience(name, stage):.1f} s for it"
                self._set(replace(found, reason=why, slow=True))
            return
        usual = self._paces.get((name, stage), seconds)
        self._paces[name, stage] = 0.7 * usual + 0.3 * seconds

    def _set(self, circuit: Circuit) -> None:
        self._open[circuit.cluster.name] = circuit
        self.told(circuit.cluster.name, circuit)


def _clock(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
