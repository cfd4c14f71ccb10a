"""Two policies, one leaf: who holds and why, what the loser is told, and that no order of files matters."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from reconciler.compile import compile_state, intents
from reconciler.model.intents import Route
from reconciler.model.selectors import Labels, MeshSet, PolicyTarget
from reconciler.model.traffic import TrafficPolicy
from tests.compile.builders import (
    Given,
    at,
    cluster_facts,
    codes,
    entry,
    found,
    given,
    group,
    path,
    service,
    source,
    to,
    traffic,
)

TIMEOUT = "traffic.timeout.request"


def timeout(one: Given) -> object:
    (route,) = one.host().routes
    return next(leaf.value for leaf in route.leaves if leaf.path == TIMEOUT)


def policy(name: str, value: str, *targets: PolicyTarget, **fields: object) -> TrafficPolicy:
    return traffic(name, *targets, rule={TIMEOUT: value}, **fields)


def test_equal_values_have_two_parents() -> None:
    one = given(policy("a", "1s"), policy("b", "1s"))
    (route,) = one.host().routes
    assert [origin.ref.name for origin in route.origins] == ["a", "b"]
    assert codes(one.compiled()) == []


def test_higher_priority_holds() -> None:
    high, low = policy("z", "1s", priority=5), policy("a", "2s", priority=1)
    one = given(high, low)
    assert timeout(one) == "1s"
    (finding,) = found(one.compiled(), "policy-conflict")
    assert finding.position == low.leaves[0].position
    assert [document.name for document in finding.documents] == ["a", "z"]
    assert str(high.leaves[0].position) in finding.message
    assert "its priority is higher (5 over 1)" in finding.message
    assert finding.severity.value == "warning"
    assert finding.target is not None


WIDTHS = [
    to("web.shop"),
    PolicyTarget(labels=Labels((("tier", "front"),)), position=at()),
    PolicyTarget(namespaces=("shop",), position=at()),
    PolicyTarget(clusters=("eu",), position=at()),
    PolicyTarget(meshes=MeshSet(names=("mesh",)), position=at()),
    PolicyTarget(everything=True, position=at()),
]


@pytest.mark.parametrize("width", range(len(WIDTHS) - 1))
def test_narrower_target_holds(width: int) -> None:
    facts = {"eu": cluster_facts(services=(service("web.shop", labels={"tier": "front"}),))}
    one = given(policy("z", "1s", WIDTHS[width]), policy("a", "2s", WIDTHS[width + 1]), facts=facts)
    assert timeout(one) == "1s"
    (finding,) = found(one.compiled(), "policy-conflict")
    assert "its target is narrower" in finding.message


def test_wildcard_of_a_namespace_is_wider_than_a_service() -> None:
    assert timeout(given(policy("z", "1s", to("web.shop")), policy("a", "2s", to("*.shop")))) == "1s"


def test_narrower_source_holds() -> None:
    wide = policy("a", "1s", sources=(source("api.shop"), source("db.shop")))
    narrow = policy("z", "2s", sources=source("api.shop"))
    one = given(wide, narrow)
    values = [[leaf.value for leaf in route.leaves] for route in one.host().routes]
    assert values == [["2s"], ["1s"], []]
    (finding,) = found(one.compiled(), "policy-conflict")
    assert "its source is narrower" in finding.message


def test_established_first() -> None:
    one, two = policy("a", "1s"), policy("b", "2s")
    ages = {one.leaves[0].position: 9, two.leaves[0].position: 4}
    state = given(one, two, ages=ages)
    assert timeout(state) == "2s"
    assert state.compiled().ties == ()
    (finding,) = found(state.compiled(), "policy-conflict")
    assert "it was there first" in finding.message


def test_unknown_age_is_a_tie_that_names_decide_for_now() -> None:
    one, two = policy("a", "1s"), policy("b", "2s")
    state = given(one, two)
    assert timeout(state) == "1s"
    assert state.compiled().ties == tuple(sorted((one.leaves[0].position, two.leaves[0].position)))
    half = given(one, two, ages={one.leaves[0].position: 9})
    assert half.compiled().ties == (two.leaves[0].position,)
    assert timeout(half) == "1s"


def test_equal_ages_fall_to_the_name() -> None:
    one, two = policy("b", "1s"), policy("a", "2s")
    state = given(one, two, ages={one.leaves[0].position: 1, two.leaves[0].position: 1})
    assert timeout(state) == "2s"
    assert state.compiled().ties == ()


def test_no_tie_where_priority_decides() -> None:
    assert given(policy("a", "1s", priority=1), policy("b", "2s")).compiled().ties == ()


def test_losers_other_leaves_hold() -> None:
    loser = traffic("b", rule={TIMEOUT: "2s", "traffic.retries.attempts": 3})
    (route,) = given(policy("a", "1s", priority=1), loser).host().routes
    assert {leaf.path: leaf.value for leaf in route.leaves} == {TIMEOUT: "1s", "traffic.retries.attempts": 3}
    assert [origin.ref.name for origin in route.origins] == ["a", "b"]


def test_policy_that_loses_all_is_no_origin() -> None:
    (route,) = given(policy("a", "1s", priority=1), policy("b", "2s")).host().routes
    assert [origin.ref.name for origin in route.origins] == ["a"]


def test_overlapping_match_lists_conflict_where_they_overlap() -> None:
    one = policy("a", "1s", matches=(path("/a"), path("/b")), priority=1)
    two = policy("b", "2s", matches=(path("/b"), path("/c")))
    state = given(one, two)
    routes = state.host().routes
    assert [(route.matches, [leaf.value for leaf in route.leaves]) for route in routes] == [
        ((path("/a"), path("/b")), ["1s"]),
        ((path("/c"),), ["2s"]),
        ((), []),
    ]
    assert len(found(state.compiled(), "policy-conflict")) == 1


def test_different_matches_do_not_conflict() -> None:
    state = given(policy("a", "1s", matches=(path("/a"),)), policy("b", "2s", matches=(path("/b"),)))
    assert codes(state.compiled()) == []


def test_headers_merge_by_key_in_any_case() -> None:
    one = traffic(
        "a", rule={"traffic.headers.request.set X-A": "1", "traffic.headers.request.set x-b": "1"}, priority=1
    )
    two = traffic("b", rule={"traffic.headers.request.set x-a": "2", "traffic.headers.request.set x-c": "2"})
    state = given(one, two)
    (route,) = state.host().routes
    assert [(leaf.key, leaf.value) for leaf in route.leaves] == [("X-A", "1"), ("x-b", "1"), ("x-c", "2")]
    (finding,) = found(state.compiled(), "policy-conflict")
    assert "x-a" in finding.message


def test_routes_that_resolve_to_the_same_are_equal() -> None:
    short = traffic("a", rule={"traffic.route": (entry(subset="v1", weight=90), entry(subset="v2", weight=10))})
    long = traffic(
        "b",
        rule={
            "traffic.route": [
                {"to": {"services": [{"name": "web", "namespace": "shop"}], "subset": {"version": "v2"}}, "weight": 10},
                {"to": {"services": [{"name": "web", "namespace": "shop"}], "subset": "v1"}, "weight": 90},
            ]
        },
    )
    assert codes(given(short, long).compiled()) == []


def test_defaults_of_a_group_give_way_without_a_word() -> None:
    defaults = group(leaves=traffic("prod", rule={TIMEOUT: "9s", "traffic.outlier.interval": "5s"}).leaves)
    state = given(defaults, policy("a", "1s", priority=-5), traffic("b", rule={"traffic.outlier.interval": "1s"}))
    assert timeout(state) == "1s"
    assert [leaf.value for leaf in state.host().host_leaves] == ["1s"]
    assert codes(state.compiled()) == []
    assert [leaf.value for leaf in state.host("api.shop").routes[0].leaves] == ["9s"]
    assert [leaf.value for leaf in state.host("api.shop").host_leaves] == ["5s"]


def test_two_groups_in_conflict() -> None:
    one, two = (
        group(name, leaves=traffic(name, rule={TIMEOUT: value}).leaves) for name, value in (("a", "1s"), ("b", "2s"))
    )
    ages = {one.leaves[0].position: 2, two.leaves[0].position: 1}
    state = given(one, two, ages=ages)
    assert timeout(state) == "2s"
    assert len(found(state.compiled(), "policy-conflict")) == 4  # one for each service


def test_host_wide_leaves_conflict_too() -> None:
    one = traffic("a", rule={"traffic.outlier.interval": "1s"}, priority=1)
    two = traffic("b", rule={"traffic.outlier.interval": "2s", "traffic.connections.tcp.max": 5})
    state = given(one, two)
    assert [leaf.value for leaf in state.host().host_leaves] == [5, "1s"]
    assert len(found(state.compiled(), "policy-conflict")) == 1


def test_every_order_of_documents_gives_the_same() -> None:
    documents = [
        policy("a", "1s"),
        policy("b", "2s"),
        policy("c", "1s", matches=(path("/a"),)),
        traffic("d", matches=(path("/a"),), sources=source("api.shop"), rule={"traffic.retries.attempts": 1}),
    ]
    first = Given(tuple(documents)).compiled()
    for order in permutations(documents):
        assert _unsorted(list(order))[0] == first


VALUES = st.sampled_from(["1s", "2s"])
POLICIES = st.lists(
    st.tuples(
        VALUES,
        st.integers(0, 1),
        st.sampled_from(["", "/a", "/b"]),
        st.sampled_from(["", "api.shop", "db.shop"]),
        st.sampled_from(["web.shop", "*.shop"]),
    ),
    min_size=2,
    max_size=5,
)


@settings(deadline=None)
@cases(POLICIES, st.randoms(use_true_random=False))
def test_order_of_policies_never_matters(drawn: list[tuple[str, int, str, str, str]], random: object) -> None:
    documents = [
        policy(
            f"p{index}",
            value,
            to(target),
            priority=priority,
            matches=(path(prefix),) if prefix else (),
            sources=source(caller) if caller else None,
        )
        for index, (value, priority, prefix, caller, target) in enumerate(drawn)
    ]
    shuffled = list(documents)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _unsorted(documents) == _unsorted(shuffled)


def _unsorted(documents: list[TrafficPolicy]) -> tuple[object, ...]:
    """Compiled with the view's policies as they come, although a view promises to be sorted."""
    desired, *rest = given(*documents).arguments()
    views = {target: replace(view, traffic=tuple(documents)) for target, view in desired.views.items()}
    state = replace(desired, views=views)
    return compile_state(state, *rest), intents(state, *rest)


def test_order_check_sees_a_difference() -> None:
    """The property above compares whole results: another value is another result."""
    assert _unsorted([policy("a", "1s")])[1] != _unsorted([policy("a", "2s")])[1]


def test_origin_is_the_most_telling_leaf() -> None:
    one = traffic("a", rule={TIMEOUT: "1s", "traffic.route": (entry("api.shop"),)})
    route: Route = given(one).host().routes[0]
    assert route.origins[0].position == one.leaves[1].position
