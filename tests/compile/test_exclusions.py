"""Leaves of two policies that a mesh cannot do together: one holds, the other is told and left out, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adapters.base import Adapter, Capability, Level
from tests.compile.builders import found, given, held, path, to, toy, traffic, verdict

WARMUP = {"traffic.loadBalancing.warmup": "1m"}
HASH = {"traffic.loadBalancing.hash": {"header": "x-a"}}
TLS = {"traffic.tls": {"mode": "Simple"}}
PROXY = {"traffic.protocol.proxyProtocol": "V1"}


def excluding(path: str, *others: str, **more: Any) -> Adapter:
    claims = {one: Capability(one, Level.NATIVE) for one in ("traffic", "access", "mesh")}
    claims[path] = Capability(path, Level.NATIVE, excludes=others, **more)
    return toy(capabilities=lambda _profile: claims)


ADAPTER = excluding("traffic.loadBalancing.warmup", "traffic.loadBalancing.hash")


def test_the_leaf_of_the_lower_policy_is_left_out_and_told() -> None:
    low, high = (
        traffic("low", rule=WARMUP | {"traffic.tls": {"mode": "Simple"}}),
        traffic("high", rule=HASH, priority=1),
    )
    one = given(low, high, adapter=ADAPTER)
    assert {leaf.path for leaf in one.host().host_leaves} == {"traffic.loadBalancing.hash", "traffic.tls"}
    (finding,) = found(one.compiled(), "policy-conflict")
    assert finding.position == low.leaves[0].position
    assert finding.also == (high.leaves[0].position,)
    assert "its priority is higher (1 over 0)" in finding.message
    assert verdict(one.compiled(), "low", "traffic.loadBalancing.warmup").action == "Degraded"
    assert verdict(one.compiled(), "low", "traffic.tls").action == "Applied"
    assert held(one.compiled()) == []


def test_the_other_policy_holds_elsewhere() -> None:
    low = traffic("low", to("*.shop"), rule=WARMUP)
    one = given(low, traffic("high", rule=HASH), adapter=ADAPTER)
    assert {leaf.path for leaf in one.host("api.shop").host_leaves} == {"traffic.loadBalancing.warmup"}
    assert {leaf.path for leaf in one.host().host_leaves} == {"traffic.loadBalancing.hash"}
    actions = {
        (ref.name, item.action)
        for item in one.compiled().verdicts
        if item.policy.endswith("/low")
        for ref in item.destinations
    }
    assert actions == {("web", "Degraded"), ("api", "Applied"), ("db", "Applied")}


def test_what_must_not_be_left_out_is_refused() -> None:
    adapter = excluding("traffic.tls", "traffic.protocol.proxyProtocol")
    one = given(traffic("a", rule=PROXY, priority=1), traffic("b", rule=TLS), adapter=adapter)
    assert {leaf.path for leaf in one.host().host_leaves} == {"traffic.protocol.proxyProtocol"}
    assert verdict(one.compiled(), "b", "traffic.tls").action == "Refused"
    assert held(one.compiled()) == ["b"]


def test_the_narrower_target_holds_whoever_says_that_they_exclude() -> None:
    narrow = traffic("narrow", to("web.shop"), rule=WARMUP)
    wide = traffic("wide", to("*.shop"), rule=HASH)
    for documents in ((narrow, wide), (wide, narrow)):
        assert {leaf.path for leaf in given(*documents, adapter=ADAPTER).host().host_leaves} == set(WARMUP)


def test_a_leaf_of_a_route_and_one_of_the_host() -> None:
    adapter = excluding("traffic.retries.budget.percent", "traffic.retries.attempts")
    low = traffic("low", rule={"traffic.retries.attempts": 3}, matches=(path("/a"),))
    high = traffic("high", rule={"traffic.retries.budget.percent": 20}, priority=1)
    one = given(low, high, adapter=adapter)
    assert one.host().routes == ()
    assert {leaf.path for leaf in one.host().host_leaves} == {"traffic.retries.budget.percent"}
    assert [finding.position for finding in found(one.compiled(), "policy-conflict")] == [low.leaves[0].position]


def test_nothing_is_told_where_nothing_excludes() -> None:
    one = given(traffic("a", rule=HASH), traffic("b", rule=WARMUP))
    assert one.compiled().findings == ()
    assert len(one.host().host_leaves) == 2


OLDER = Capability("traffic.timeout.request", Level.EMULATED, note="by hand")


@pytest.mark.parametrize(("since", "level"), [("0.9", "Native"), ("2.0", "Emulated")])
def test_a_claim_that_says_how_older_versions_do_it(since: str, level: str) -> None:
    adapter = excluding("traffic.timeout.request", since=since, otherwise=OLDER)
    one = given(traffic("p", rule={"traffic.timeout.request": "1s"}), adapter=adapter).compiled()
    assert (verdict(one, "p", "traffic.timeout.request").level, held(one)) == (level, [])


@pytest.mark.parametrize(("more", "level"), [({}, "Emulated"), ({"traffic.outlier.interval": "1s"}, "Native")])
def test_what_the_mesh_needs_beside_it_is_said(more: dict[str, str], level: str) -> None:
    adapter = excluding("traffic.loadBalancing.warmup", completes=("traffic.outlier",))
    one = given(traffic("p", rule=WARMUP | more), adapter=adapter).compiled()
    said = verdict(one, "p", "traffic.loadBalancing.warmup")
    assert (said.level, "traffic.outlier is added" in said.note) == (level, level == "Emulated")


def test_what_would_have_to_be_added_is_refused_where_nothing_is_to_be_emulated() -> None:
    from reconciler.model.rules import OnUnsupported

    adapter = excluding("traffic.loadBalancing.warmup", completes=("traffic.outlier",))
    policy = traffic("p", rule=WARMUP, on_unsupported=OnUnsupported(emulate=False))
    one = given(policy, adapter=adapter).compiled()
    assert verdict(one, "p", "traffic.loadBalancing.warmup").action == "Refused"
