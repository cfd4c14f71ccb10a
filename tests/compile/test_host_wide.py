"""Leaves that hold for a whole host: never widened from a part of its requests to all; mTLS of single services."""

from __future__ import annotations

import pytest

from reconciler.model.intents import MtlsIntent
from reconciler.model.refs import ServiceRef
from tests.compile.builders import (
    cluster_facts,
    codes,
    found,
    given,
    header,
    held,
    names,
    service,
    source,
    to,
    traffic,
    verdict,
)

OUTLIER = {"traffic.outlier.interval": "1s"}


@pytest.mark.parametrize(
    "part",
    [{"matches": (header("x-a"),)}, {"sources": source("api.shop")}],
)
def test_leaf_of_a_part_is_refused_and_the_rest_holds(part: dict[str, object]) -> None:
    policy = traffic("p", rule=OUTLIER | {"traffic.timeout.request": "1s"}, **part)
    one = given(policy)
    (finding,) = found(one.compiled(), "host-wide-leaf")
    assert finding.position == policy.leaves[0].position
    assert one.host().host_leaves == ()
    assert [leaf.path for leaf in one.host().routes[0].leaves] == ["traffic.timeout.request"]
    assert verdict(one.compiled(), "p", "traffic.outlier.interval").action == "Refused"
    assert verdict(one.compiled(), "p", "traffic.timeout.request").action == "Applied"
    assert held(one.compiled()) == ["p"]


def test_leaf_of_some_ports_is_refused() -> None:
    one = given(traffic("p", to("web.shop", ports=(80,)), rule=OUTLIER)).compiled()
    assert (codes(one), names(one)) == (["host-wide-leaf"], [])


def test_mtls_of_a_service() -> None:
    policy = traffic("p", rule={"traffic.mtls": "Permissive"})
    one = given(policy)
    (mode,) = one.mode()
    web = ServiceRef("web", "shop", "eu")
    assert mode == MtlsIntent("Permissive", web, {"app": "web"}, mode.origins)
    assert [(origin.ref.name, origin.position) for origin in mode.origins] == [("p", policy.leaves[0].position)]
    assert names(one.compiled()) == ["Mode shop/web"]


def test_mtls_of_unknown_workloads_is_held() -> None:
    one = given(
        traffic("p", to("wep.shop"), rule={"traffic.mtls": "Strict", "traffic.timeout.request": "1s"})
    ).compiled()
    assert codes(one) == ["service-unknown", "workloads-unknown"]
    assert names(one) == ["Host shop/wep"]
    assert verdict(one, "p", "traffic.mtls").action == "Refused"
    assert held(one) == ["p"]


def test_mtls_of_services_without_selector_that_were_not_named_stops_nothing() -> None:
    facts = {"eu": cluster_facts(services=(service("web.shop"), service("out.shop", selector={})))}
    one = given(traffic("p", to("*.shop"), rule={"traffic.mtls": "Strict"}), facts=facts).compiled()
    assert [(finding.code, finding.severity.value) for finding in one.findings] == [("workloads-unknown", "info")]
    assert (names(one), held(one)) == (["Mode shop/web"], [])
    assert verdict(one, "p", "traffic.mtls").action == "Applied"


def test_mtls_conflict() -> None:
    one = given(
        traffic("a", rule={"traffic.mtls": "Strict"}, priority=1), traffic("b", rule={"traffic.mtls": "Disabled"})
    )
    assert [mode.mode for mode in one.mode()] == ["Strict"]
    assert codes(one.compiled()) == ["policy-conflict"]
