"""The small pieces that adapters share."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters import durations, leaves, weights
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.protocols import Speech, all_opaque, speech, workload_ports
from reconciler.adapters.served import is_served, served_version
from reconciler.model.facts import ClusterFacts, CrdFacts, PortFacts, ServiceFacts, WorkloadFacts
from reconciler.model.findings import Position, Severity
from reconciler.model.intents import Origin
from reconciler.model.native import NativeKind
from reconciler.model.refs import DocRef, KindId, ServiceRef, TargetId
from reconciler.model.rules import Leaf

KIND = NativeKind(KindId("g.example", "Thing"), ("v1", "v1beta1"), "things")


def crds(*versions: str) -> dict[KindId, CrdFacts]:
    return {KIND.kind: CrdFacts(KIND.kind, "things", True, versions)}


@pytest.mark.parametrize(
    ("facts", "version", "served"),
    [
        (None, "v1", True),
        (crds("v1beta1", "v1"), "v1", True),
        (crds("v1beta1", "v1alpha1"), "v1beta1", True),
        (crds("v7"), "v1", False),
        ({}, "v1", False),
    ],
)
def test_the_version_that_a_cluster_serves(facts: dict[KindId, CrdFacts] | None, version: str, served: bool) -> None:
    assert served_version(KIND, facts) == version
    assert is_served(KIND, facts) is served


@pytest.mark.parametrize(
    ("given_weights", "expected"),
    [
        ((90, 10), (90, 10)),
        ((1, 1, 1), (1, 1, 1)),
        ((2_000_000, 1), (2_000_000, 1)),
        ((0.5, 0.5), (1, 1)),
        ((99.9, 0.1), (999, 1)),
        ((33.3, 66.7, 0), (333, 667, 0)),
        ((100, 0.00001), (1_000_000, 1)),
        ((), ()),
        ((0, 0), (0, 0)),
    ],
)
def test_weights_become_integers(given_weights: tuple[float, ...], expected: tuple[int, ...]) -> None:
    assert weights.whole(given_weights) == expected


@given(st.lists(st.floats(min_value=0, max_value=1e6, allow_nan=False), min_size=1, max_size=5))
def test_a_weight_is_zero_only_if_it_was(asked: list[float]) -> None:
    made = weights.whole(asked)
    assert [weight > 0 for weight in made] == [weight > 0 for weight in asked]
    total, sum_made = sum(Fraction(str(weight)) for weight in asked), sum(made)
    for weight, share in zip(asked, made, strict=True):
        if total and weight:
            assert abs(Fraction(share, sum_made) - Fraction(str(weight)) / total) < Fraction(1, 100_000)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("1h2m3s4ms", Fraction(3723004, 1000)),
        ("0.5s", Fraction(1, 2)),
        ("1us", Fraction(1, 10**6)),
        ("5", None),
        ("5 s", None),
        ("-5s", None),
        ("", None),
        (5, None),
        ("s", None),
    ],
)
def test_durations_are_read(text: object, length: Fraction | None) -> None:
    assert durations.seconds(text) == length


@pytest.mark.parametrize(
    ("text", "form"),
    [("60s", "60s"), ("1m", "60s"), ("1.50s", "1.5s"), ("250ms", "0.25s"), ("0s", "0s"), ("10s", "10s"), ("x", "x")],
)
def test_durations_have_one_form(text: str, form: str) -> None:
    assert durations.canonical(text) == form


@given(st.integers(min_value=0, max_value=10**15))
def test_the_form_of_a_duration_keeps_its_length(nanoseconds: int) -> None:
    text = f"{nanoseconds}ns"
    assert durations.seconds(durations.canonical(text)) == durations.seconds(text)


POLICY = DocRef("TrafficPolicy", "default", "p")


def leaf(path: str, value: object, key: str = "") -> Leaf:
    return Leaf(path, value, Position("p.yaml", 3), POLICY, key)


def test_leaves_make_a_tree() -> None:
    found = leaves.tree(
        [
            leaf("traffic.timeout.request", "3s"),
            leaf("traffic.headers.request.set", "1", "x.a"),
            leaf("traffic.headers.request.remove", True, "x-b"),
            leaf("traffic.fault", {"delay": {"duration": "1s"}}),
            leaf("traffic.fault.delay.percent", 5),
        ]
    )
    assert found == {
        "timeout": {"request": "3s"},
        "headers": {"request": {"set": {"x.a": "1"}, "remove": {"x-b": True}}},
        "fault": {"delay": {"duration": "1s", "percent": 5}},
    }


def test_a_leaf_is_found_by_its_path_or_one_above() -> None:
    leaf_of_fault = leaf("traffic.fault.delay.percent", 5)
    assert leaves.leaf_at([leaf("traffic.faulty", 1), leaf_of_fault], "traffic.fault") is leaf_of_fault
    assert leaves.leaf_at([leaf_of_fault], "traffic.fault.abort") is None


@pytest.mark.parametrize(
    ("port", "said"),
    [
        (PortFacts(80, "http"), Speech.HTTP),
        (PortFacts(80, "http-web"), Speech.HTTP),
        (PortFacts(80, "grpc-web-ui"), Speech.HTTP),
        (PortFacts(80, "HTTP2-x"), Speech.HTTP),
        (PortFacts(80, "web", app_protocol="kubernetes.io/h2c"), Speech.HTTP),
        (PortFacts(80, "http", app_protocol="tcp"), Speech.OPAQUE),
        (PortFacts(443, "https"), Speech.OPAQUE),
        (PortFacts(5432, "tcp-pg"), Speech.OPAQUE),
        (PortFacts(80), Speech.UNDECLARED),
        (PortFacts(80, "httpx"), Speech.UNDECLARED),
        (PortFacts(53, "http", protocol="UDP"), Speech.UDP),
    ],
)
def test_what_a_port_speaks(port: PortFacts, said: Speech) -> None:
    assert speech(port) is said


def test_a_service_is_opaque_when_all_of_its_ports_are() -> None:
    opaque, udp, http = PortFacts(1, "tcp"), PortFacts(2, protocol="UDP"), PortFacts(3, "http")
    assert all_opaque([opaque, udp])
    assert not all_opaque([opaque, http])
    assert not all_opaque([udp])
    assert not all_opaque([])


def test_ports_of_the_workloads_behind_a_service() -> None:
    service = ServiceFacts(ServiceRef("a", "shop", "c"), selector={"app": "a"})
    cluster = ClusterFacts(
        "c",
        workloads=(
            WorkloadFacts("Deployment", "shop", "a1", {"app": "a"}, container_ports={"web": 8080}),
            WorkloadFacts("Deployment", "shop", "a2", {"app": "a", "v": "2"}, container_ports={"web": 8081}),
            WorkloadFacts("Deployment", "shop", "b", {"app": "b"}, container_ports={"web": 1}),
            WorkloadFacts("Deployment", "ops", "a", {"app": "a"}, container_ports={"web": 2}),
        ),
    )
    assert workload_ports(PortFacts(80, target="web"), service, cluster) == {8080, 8081}
    assert workload_ports(PortFacts(80, target="other"), service, cluster) == frozenset()
    assert workload_ports(PortFacts(80, target=9090), service, cluster) == {9090}
    assert workload_ports(PortFacts(80), service, cluster) == {80}


def test_gaps_become_findings_at_their_leaf() -> None:
    gaps, target = Gaps(), TargetId("c", "m")
    origins = [Origin(DocRef("TrafficPolicy", "default", "q"), Position("q.yaml", 1))]
    gaps.warning("timeout-cuts-retries", "w", leaf("traffic.timeout.request", "1s"))
    assert not gaps.blocking
    gaps.error("mesh-inexpressible", "e", leaf("traffic.timeout.request", "1s"))
    gaps.error("mesh-inexpressible", "e", leaf("traffic.timeout.request", "1s"))
    gaps.error("mesh-inexpressible", "elsewhere")
    assert gaps.blocking
    warning, error, elsewhere = gaps.findings(target, origins)
    assert (warning.severity, warning.documents, warning.position.path) == (Severity.WARNING, (POLICY,), "p.yaml")
    assert error.documents == (POLICY,)
    assert (elsewhere.position.path, elsewhere.documents, elsewhere.target) == ("q.yaml", (origins[0].ref,), target)


@pytest.mark.parametrize(
    ("given_weights", "expected"),
    [
        ((1,), (100,)),
        ((1, 1, 1), (34, 33, 33)),
        ((1000, 1, 500), (66, 1, 33)),
        ((9, 1), (90, 10)),
        ((0, 5), (0, 100)),
        ((1_000_000, 1, 1, 1), (97, 1, 1, 1)),
    ],
)
def test_weights_become_percents(given_weights: tuple[float, ...], expected: tuple[int, ...]) -> None:
    assert weights.of_hundred(given_weights) == expected


@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=100).filter(any))
def test_percents_add_up_and_none_is_lost(given_weights: list[int]) -> None:
    found = weights.of_hundred(given_weights)
    assert sum(found) == 100
    assert all(bool(share) is bool(weight) for share, weight in zip(found, given_weights, strict=True))
