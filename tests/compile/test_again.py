"""A revision after another one: what was taken over and what was compiled anew is what compiling everything gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from reconciler.adapters import registry
from reconciler.adapters.base import Adapter, Level
from reconciler.compile import Before, compile_again, compile_state
from reconciler.compile.closure import Unbounded, closure
from reconciler.model.documents import DesiredState
from reconciler.model.facts import ClusterFacts, Facts
from reconciler.model.findings import Position
from reconciler.model.meshes import VirtualMesh
from reconciler.model.rules import OnUnsupported, Otherwise
from reconciler.model.selectors import MeshSet
from tests.compile.builders import (
    NOW,
    TARGET,
    TIMEOUT,
    US,
    access,
    at,
    cluster_facts,
    emit_crowds,
    entry,
    given,
    path,
    picky,
    ref,
    to,
    toy,
    traffic,
    workload,
)
from tests.compile.test_nothing_lost import MATCHES, RULES, SOURCES

TARGETS = (TARGET, US)
CLUSTERS = given(targets=TARGETS).arguments()[0].clusters
GROUP = VirtualMesh(ref("all", "VirtualMesh"), at(), MeshSet(), access="Deny", mtls="Strict")
#: what policies are about: mostly single services, so that much can be taken over
PLACES = st.sampled_from(
    [("web.shop",), ("api.shop",), ("db.shop",), ("jobs.batch",), ("wep.shop",), ("web.shop", "db.shop"), ("*.batch",)]
)
WIDE = st.sampled_from([None] * 12 + [to(everything=True), to(namespaces=("shop",)), to(namespaces=("batch",))])
EXPIRES = st.sampled_from([None, None, None, NOW + timedelta(hours=1), NOW + timedelta(hours=3)])
WORDS = st.sampled_from(
    [OnUnsupported()] * 8
    + [OnUnsupported(Otherwise.DEGRADE), OnUnsupported(all_or_nothing=True), OnUnsupported(Otherwise.FAIL)]
)
TRAFFIC = st.tuples(RULES, MATCHES, SOURCES, PLACES, WIDE, EXPIRES, WORDS, st.integers(0, 1))
ACCESS = st.tuples(
    st.sampled_from(["Allow", "Allow", "Deny", "Audit", "Custom"]),
    *(SOURCES, PLACES, WIDE, EXPIRES, st.booleans(), st.integers(0, 1)),
)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("traffic"), st.integers(0, 9), TRAFFIC),
        st.tuples(st.just("access"), st.integers(0, 9), ACCESS),
        st.tuples(st.just("drop"), st.integers(0, 9), st.none()),
        st.tuples(st.just("move"), st.integers(0, 9), st.none()),
        st.tuples(st.just("later"), st.just(0), st.none()),
        st.tuples(st.just("facts"), st.integers(0, 3), st.none()),
    ),
    min_size=2,
    max_size=12,
)
FACTS: list[dict[str, Any]] = [
    {},
    {"workloads": (workload("web.shop"), workload("db.shop", account="web"))},
    {"services": ()},
    {"services": cluster_facts().services[:2]},
]


def a_state(*documents: Any) -> DesiredState:
    """Clusters are made but once: that of a document has not changed is told by its place too."""
    return replace(given(*documents, targets=TARGETS).arguments()[0], clusters=CLUSTERS)


def a_traffic(name: str, drawn: tuple[Any, ...]) -> Any:
    rule, matches, caller, places, wide, expires, word, priority = drawn
    return traffic(name, wide or to(*places), rule=rule, matches=tuple(matches), sources=(caller,) if caller else None,
                   expires=expires, on_unsupported=word, priority=priority)  # fmt: skip


def an_access(name: str, drawn: tuple[Any, ...]) -> Any:
    action, caller, places, wide, expires, scopes, priority = drawn
    scopes = scopes and action == "Allow" and wide is not None
    return access(name, wide or to(*places), action=action, sources=(caller,) if caller else None, expires=expires,
                  matches=(path("/a"),), scopes=scopes, provider="opa" if action == "Custom" else "",
                  priority=0 if action == "Audit" else priority)  # fmt: skip


def istio() -> Adapter:
    found = registry.load("istio")
    assert found is not None
    return found


LACKING = toy({"traffic.fault": Level.NONE, "traffic.mirror": Level.NONE, "access.audit": Level.NONE})


@pytest.mark.parametrize("adapter", [LACKING, picky(emit_crowds), istio()], ids=["toy", "picky", "real"])
@settings(max_examples=60, deadline=None)
@cases(EDITS, st.booleans())
def test_what_is_taken_over_is_what_everything_gives(adapter: Adapter, edits: list[Any], deny: bool) -> None:
    documents: dict[str, Any] = {}
    facts: Mapping[str, ClusterFacts] = {"eu": cluster_facts(), "us": cluster_facts("us")}
    adapters, now, before = {"toy": adapter}, NOW, None
    groups = [GROUP] if deny else []
    for kind, number, drawn in edits:
        if kind == "traffic":
            documents[f"t{number}"] = a_traffic(f"t{number}", drawn)
        elif kind == "access":
            documents[f"a{number}"] = an_access(f"a{number}", drawn)
        elif kind == "drop":
            documents.pop(f"t{number}", None)
        elif kind == "move" and f"t{number}" in documents:
            documents[f"t{number}"] = replace(documents[f"t{number}"], position=Position("moved.yaml", number + 1, 1))
        elif kind == "later":
            now += timedelta(hours=2)
        elif kind == "facts":
            facts = {"eu": cluster_facts(**FACTS[number]), "us": facts["us"]}
        desired = a_state(*documents.values(), *groups)
        whole = compile_state(desired, Facts(facts), adapters, now)
        if before is not None:
            assert compile_again(before, desired, Facts(facts), adapters, now) == whole
        before = Before(desired, Facts(facts), adapters, now, whole)


#: of each kind one that may be about everything, one for each service, and one that changes
CROWD = st.lists(TRAFFIC, min_size=4, max_size=7)
RULERS = st.lists(ACCESS, min_size=2, max_size=4)


@pytest.mark.parametrize("adapter", [LACKING, picky(emit_crowds), istio()], ids=["toy", "picky", "real"])
@settings(max_examples=60, deadline=None)
@cases(CROWD, RULERS, TRAFFIC, st.booleans())
def test_what_is_about_everything_has_its_part_in_what_is_made_anew(
    adapter: Adapter, crowd: list[Any], rulers: list[Any], then: Any, deny: bool
) -> None:
    """As above, with a policy about everything among them, and one change of a policy about one service."""
    wide, places = to(everything=True), [("web.shop",), ("api.shop",), ("db.shop",), ("jobs.batch",)]

    def alone(drawn: tuple[Any, ...], number: int) -> tuple[Any, ...]:
        return (*drawn[:3], places[number % 4] if number else (), None if number else wide, None, *drawn[6:])

    documents = {f"t{number}": a_traffic(f"t{number}", alone(drawn, number)) for number, drawn in enumerate(crowd)}
    for number, drawn in enumerate(rulers):
        given_places = (*drawn[:2], places[number % 4], None if number else wide, None, False, *drawn[6:])
        documents[f"a{number}"] = an_access(f"a{number}", given_places)
    facts, adapters = Facts({"eu": cluster_facts(), "us": cluster_facts("us")}), {"toy": adapter}
    groups = [GROUP] if deny else []
    first = a_state(*documents.values(), *groups)
    before = Before(first, facts, adapters, NOW, compile_state(first, facts, adapters, NOW))
    documents["t1"] = a_traffic("t1", alone(then, 1))
    desired = a_state(*documents.values(), *groups)
    assert compile_again(before, desired, facts, adapters, NOW) == compile_state(desired, facts, adapters, NOW)


OTHER = {"traffic.timeout.request": "2s"}
KNOWN = (
    traffic("a", to("web.shop"), rule=TIMEOUT),
    traffic("b", to("api.shop"), rule=TIMEOUT),
    traffic("c", to("db.shop"), rule={"traffic.route": (entry("api.shop", subset="v2"),)}),
    traffic("d", to("jobs.batch"), rule=TIMEOUT),
    access("e", to("jobs.batch")),
    access("f", to("db.shop")),
)


def made_anew(*changed: Any, beside: tuple[Any, ...] = ()) -> set[str]:
    """The objects that are not the ones which were compiled earlier."""
    facts, adapters, desired = Facts({"eu": cluster_facts()}), {"toy": toy()}, a_state(*KNOWN, *beside)
    before = Before(desired, facts, adapters, NOW, compile_state(desired, facts, adapters, NOW))
    refs = {one.ref for one in changed}
    then = a_state(*(one for one in KNOWN if one.ref not in refs), *changed, *beside)
    known = {id(one) for mine in before.compiled.objects.values() for one in mine}
    made = compile_again(before, then, facts, adapters, NOW)
    return {one.key.name for mine in made.objects.values() for one in mine if id(one) not in known}


def test_only_what_a_changed_policy_touches_is_made_anew() -> None:
    assert made_anew() == set()
    assert made_anew(traffic("a", to("web.shop"), rule=OTHER, matches=(path("/a"),))) == {"web"}
    assert made_anew(access("e", to("jobs.batch"), action="Deny")) == {"e-jobs"}
    assert made_anew(traffic("new", to("web.shop"), rule={"traffic.retries.attempts": 2})) == {"web"}


def test_what_may_be_about_any_service_makes_everything_anew() -> None:
    assert made_anew(traffic("wide", to(everything=True), rule=OTHER)) >= {"web", "api", "db", "jobs"}


def test_a_policy_about_everything_binds_others_no_further() -> None:
    wide, mode = to(everything=True), traffic("mode", to(everything=True), rule={"traffic.mtls": "Strict"})
    every = (traffic("wide", wide, rule={"traffic.timeout.idle": "60s"}), access("all", wide))
    a, d = traffic("a", to("web.shop"), rule=TIMEOUT), traffic("d", to("jobs.batch"), rule=TIMEOUT)
    touched = closure({a.ref}, (a, d, *every))
    assert {ref.name for ref in touched.refs} == {"a", "wide", "all"}
    assert touched.takes("web", "shop")
    assert not touched.takes("jobs", "batch")
    assert made_anew(traffic("a", to("web.shop"), rule=OTHER), beside=every) == {"web"}
    sending = traffic("sends", wide, rule={"traffic.mirror": (entry("api.shop"),)})
    for binding in (mode, sending):
        with pytest.raises(Unbounded):
            closure({a.ref}, (a, d, binding))


def bound(*policies: Any) -> list[str]:
    """The names of what is bound to the first."""
    return sorted(one.name for one in closure({policies[0].ref}, policies).bound)


def test_policies_are_bound_by_the_services_that_they_share() -> None:
    a, b = traffic("a", to("web.shop"), rule=TIMEOUT), access("b", to("web.shop", "api.shop"))
    c = traffic("c", to("db.shop"), rule={"traffic.route": (entry("api.shop"),)})
    d = traffic("d", to("jobs.batch"), rule=TIMEOUT)
    assert bound(a, b, c, d) == ["a", "b", "c"]
    assert bound(d, a, b, c) == ["d"]


@pytest.mark.parametrize(
    "near",
    [
        traffic("near", to("api.shop"), rule={"traffic.mtls": "Strict"}),
        traffic("near", to("api.shop"), rule={"traffic.rateLimit.local": {"requests": 1, "unit": "Second"}}),
        access("near", to("api.shop"), action="Custom", provider="opa"),
        traffic("near", to("*.shop"), rule=TIMEOUT),
        traffic("near", to(namespaces=("shop",)), rule=TIMEOUT),
    ],
)
def test_what_is_compared_within_a_namespace_binds_it(near: Any) -> None:
    a, d = traffic("a", to("web.shop"), rule=TIMEOUT), traffic("d", to("jobs.batch"), rule=TIMEOUT)
    assert bound(a, near, d) == ["a", "near"]


@pytest.mark.parametrize(
    "wide",
    [
        traffic("wide", to(everything=True), rule=TIMEOUT),
        traffic("wide", to(destinations=("pay",)), rule=TIMEOUT),
        traffic("wide", to("web.shop"), rule={"traffic.route": (entry(hosts=("pay.example.org",)),)}),
        access("wide", to("web.shop"), scopes=True),
    ],
)
def test_what_may_be_about_any_service_has_no_bounds(wide: Any) -> None:
    with pytest.raises(Unbounded):
        closure({wide.ref}, [wide])
