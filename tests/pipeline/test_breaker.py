"""The circuit breaker with a clock of its own: when it opens, how long, what closes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.clusters import Cluster, ClusterLimits, DirectoryConnection
from reconciler.model.findings import NOWHERE
from reconciler.pipeline import breaker
from reconciler.pipeline.breaker import Breakers, Circuit, pause

EU = Cluster("eu", NOWHERE, DirectoryConnection("live/eu"))


@dataclass
class Clock:
    at: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)
    heard: list[tuple[str, bool]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def told(self, name: str, circuit: Circuit | None) -> None:
        self.heard.append((name, circuit is not None))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock.now, lambda: 0.5, clock.told)


def circuit(breakers: Breakers, cluster: Cluster = EU) -> Circuit:
    found = breakers.circuit(cluster)
    assert found is not None
    return found


def test_pauses_double_up_to_the_longest_and_are_spread() -> None:
    assert [pause(n, 0, 0.5) for n in (1, 2, 3, 7, 100)] == [5, 10, 20, breaker.LONGEST_PAUSE, breaker.LONGEST_PAUSE]
    assert (pause(1, 0, 0.0), pause(1, 0, 1.0)) == (3.75, 6.25)


def test_what_the_server_asks_for_is_the_least(breakers: Breakers, clock: Clock) -> None:
    assert pause(1, 60, 0.0) >= 60
    breakers.failed(EU, "throttled", asked=600)
    assert circuit(breakers).retry_at >= clock.at + timedelta(seconds=600)


def test_it_opens_and_says_why_since_when_and_until_when(breakers: Breakers, clock: Clock) -> None:
    assert breakers.why_not(EU) == ""
    breakers.failed(EU, "no answer")
    clock.at += timedelta(seconds=2)
    assert breakers.why_not(EU) == (
        "no answer (so since 2026-11-21T12:00:00Z, 2 s; left out of rounds, tried again at 2026-11-21T12:00:05Z)"
    )
    clock.at += timedelta(hours=1)
    assert "being tried now" in breakers.why_not(EU)


def test_troubles_of_one_round_count_once(breakers: Breakers, clock: Clock) -> None:
    breakers.failed(EU, "discovery failed")
    breakers.failed(EU, "reading failed")
    assert (circuit(breakers).failures, circuit(breakers).reason) == (1, "discovery failed")


def test_each_failed_try_waits_longer_and_a_good_one_closes(breakers: Breakers, clock: Clock) -> None:
    waits = []
    breakers.failed(EU, "down")
    for _ in range(3):
        waits.append((circuit(breakers).retry_at - clock.at).total_seconds())
        clock.at = circuit(breakers).retry_at
        breakers.trying("eu")
        breakers.failed(EU, "still down")
        breakers.tried("eu", True, 60)  # too late to say so: the failure was told already
    assert waits == [5, 10, 20]
    assert circuit(breakers).since == datetime(2026, 11, 21, 12, tzinfo=UTC)
    breakers.trying("eu")
    breakers.tried("eu", True, 60)
    assert breakers.circuit(EU) is None
    assert clock.heard[-1] == ("eu", False)
    breakers.failed(EU, "down")
    assert circuit(breakers).failures == 1


def test_a_try_that_did_not_go_well_is_no_failure_of_the_cluster(breakers: Breakers, clock: Clock) -> None:
    breakers.failed(EU, "down")
    breakers.trying("eu")
    breakers.tried("eu", False, 60)
    assert (circuit(breakers).trying, circuit(breakers).retry_at) == (False, clock.at + timedelta(seconds=60))


def test_one_that_answers_too_slowly_stays_beside_at_each_interval(breakers: Breakers, clock: Clock) -> None:
    breakers.took("eu", "reading", 0.2)
    breakers.failed(EU, "late")
    breakers.trying("eu")
    breakers.took("eu", "reading", 5.0)
    breakers.tried("eu", True, 60)
    assert (circuit(breakers).slow, circuit(breakers).retry_at) == (True, clock.at + timedelta(seconds=60))
    assert circuit(breakers).reason == "slow: reading took 5.0 s, and others wait 2.0 s for it"
    clock.at += timedelta(seconds=60)
    breakers.trying("eu")
    breakers.took("eu", "reading", 0.3)
    breakers.tried("eu", True, 60)
    assert breakers.circuit(EU) is None


def test_patience_follows_the_usual_time_of_each_cluster(breakers: Breakers) -> None:
    assert breakers.patience("eu", "reading") == breaker.UNKNOWN_PACE
    breakers.took("eu", "reading", 4.0)
    assert breakers.patience("eu", "reading") == 12
    assert breakers.patience("eu", "discovery") == breaker.UNKNOWN_PACE
    breakers.took("us", "reading", 0.01)
    assert breakers.patience("us", "reading") == breaker.SHORTEST_PATIENCE
    breakers.failed(EU, "late")
    breakers.took("eu", "reading", 100.0)
    assert breakers.patience("eu", "reading") == 12


@pytest.mark.parametrize(
    "changed", [replace(EU, connection=DirectoryConnection("live/new")), replace(EU, limits=ClusterLimits(timeout=1))]
)
def test_another_connection_is_tried_at_once(breakers: Breakers, changed: Cluster) -> None:
    breakers.failed(EU, "down")
    assert breakers.why_not(changed) == ""
    assert breakers.open() == {}


def test_clusters_that_left_git_are_forgotten(breakers: Breakers) -> None:
    breakers.failed(EU, "down")
    breakers.kept(frozenset({"us"}))
    assert breakers.open() == {}
