"""Who calls, for a route on the caller's side: everything comes down to a namespace and labels, or is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.adapters.base import Level
from reconciler.model.facts import WorkloadFacts
from reconciler.model.intents import TrafficSource
from reconciler.model.meshes import MeshGateway
from reconciler.model.selectors import AccountRef, LabelExpression, Labels, PolicySource
from tests.compile.builders import (
    TIMEOUT,
    cluster_facts,
    codes,
    given,
    held,
    names,
    source,
    svc,
    toy,
    traffic,
    verdict,
    workload,
)

API = TrafficSource("shop", (("app", "api"),))
API_PODS = TrafficSource("shop", (("app", "api"), ("version", "v1")))


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (source("api.shop"), [API]),
        (source("api.shop", "db.shop"), [API, TrafficSource("shop", (("app", "db"),))]),
        (source(namespaces=("shop",)), [TrafficSource("shop")]),
        (source(workload_labels=Labels((("app", "api"),))), [TrafficSource("", (("app", "api"),))]),
        (source(workload_labels=Labels((("app", "api"),)), namespaces=("shop",)), [API]),
        (source("api.shop", workload_labels=Labels((("version", "v1"),))), [API_PODS]),
        (source(workload_labels=Labels((), (LabelExpression("app", "In", ("api",)),))), [API_PODS]),
        (source(workload_names=("api-v1",), workload_kinds=("Deployment",)), [API_PODS]),
        (source(service_accounts=(AccountRef("api", "shop"),)), [API_PODS]),
        (source(authenticated=False), []),
    ],
)
def test_caller(caller: PolicySource, expected: list[TrafficSource]) -> None:
    routes = given(traffic("p", rule=TIMEOUT, sources=caller)).host().routes
    assert list(routes[0].sources) == expected
    assert len(routes) == (2 if expected else 1)


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (source("nobody.shop"), "source-unknown"),
        (source(service_accounts=(AccountRef("nobody", "shop"),)), "source-unknown"),
        (source(workload_names=("nobody",)), "source-unknown"),
        (source(gateways=("nobody",)), "source-unknown"),
        (source(identities=("spiffe://a/b",)), "source-unresolved"),
        (source(ip_include=("10.0.0.0/8",)), "source-unresolved"),
        (source(authenticated=True), "source-unresolved"),
        (source("api.shop", namespaces=("batch",)), "source-unresolved"),
    ],
)
def test_caller_that_cannot_be_told_refuses_the_policy(caller: PolicySource, code: str) -> None:
    one = given(traffic("p", rule=TIMEOUT, sources=(caller, source("db.shop")))).compiled()
    assert codes(one) == [code]
    assert (names(one), held(one)) == ([], ["p"])
    assert verdict(one, "p", "traffic.timeout.request").action == "Refused"


def test_workload_whose_labels_others_share_is_ambiguous() -> None:
    twin = WorkloadFacts("Deployment", "shop", "twin", labels={"app": "api", "version": "v1"}, service_account="twin")
    facts = cluster_facts()
    facts = cluster_facts(workloads=(*facts.workloads, twin))
    caller = source(service_accounts=(AccountRef("api", "shop"),))
    one = given(traffic("p", rule=TIMEOUT, sources=caller), facts={"eu": facts}).compiled()
    assert codes(one) == ["source-ambiguous"]
    assert "shop/twin" in one.findings[0].message


def test_service_without_selector_as_caller_refuses() -> None:
    facts = cluster_facts()
    services = tuple(replace(one, selector={}) if one.ref.name == "api" else one for one in facts.services)
    one = given(traffic("p", rule=TIMEOUT, sources=source("api.shop")), facts={"eu": cluster_facts(services=services)})
    assert codes(one.compiled()) == ["source-unresolved"]


def test_gateway_is_its_pods() -> None:
    gateway = MeshGateway("public", "Ingress", "edge", Labels((("gw", "public"),)))
    one = given(traffic("p", rule=TIMEOUT, sources=source(gateways=("public",))), mesh={"gateways": (gateway,)})
    assert one.host().routes[0].sources == (TrafficSource("edge", (("gw", "public"),)),)


def test_gateway_is_refused_where_the_mesh_cannot() -> None:
    gateway = MeshGateway("public", "Ingress", "edge", Labels((("gw", "public"),)))
    policy = traffic("p", rule=TIMEOUT, sources=source(gateways=("public",)))
    adapter = toy({"traffic.from.gateways": Level.NONE})
    one = given(policy, mesh={"gateways": (gateway,)}, adapter=adapter).compiled()
    assert codes(one) == ["capability-unsupported"]
    assert verdict(one, "p", "traffic.from.gateways").action == "Refused"


def test_caller_of_another_cluster_contributes_nothing() -> None:
    caller = PolicySource(services=(svc("api.shop"), svc("db.shop.us")))
    routes = given(traffic("p", rule=TIMEOUT, sources=caller)).host().routes
    assert routes[0].sources == (API,)


def test_workload_without_labels_is_ambiguous() -> None:
    facts = cluster_facts(workloads=(workload("bare.shop", labels={}),))
    caller = source(workload_names=("bare-v1",))
    one = given(traffic("p", rule=TIMEOUT, sources=caller), facts={"eu": facts}).compiled()
    assert codes(one) == ["source-ambiguous"]
