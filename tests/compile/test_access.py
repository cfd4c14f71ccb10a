"""Who may call: identities and workload ports, never wider than asked; what cannot be said is held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.facts import MeshFacts, PortFacts
from reconciler.model.intents import Identity
from reconciler.model.meshes import MeshGateway
from reconciler.model.selectors import AccountRef, Labels, Match, MeshSet, PolicySource
from tests.compile.builders import (
    TARGET,
    US,
    access,
    cluster_facts,
    codes,
    found,
    given,
    held,
    names,
    path,
    service,
    source,
    to,
    verdict,
    workload,
)

EU = "eu.example.org"
API = Identity(EU, "shop", "api")
BOTH = (TARGET, US)


def two(us_domain: str = "us.example.org") -> dict[str, object]:
    """Two clusters, of which the first is known to trust the second."""
    mesh = MeshFacts("toy", "toy-system", "1.0", trust_domain=EU, trust_domain_aliases=("us.example.org",))
    return {"eu": cluster_facts("eu", meshes=(mesh,)), "us": cluster_facts("us", us_domain)}


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (source("api.shop"), [API]),
        (source("api.shop", "db.shop"), [API, Identity(EU, "shop", "db")]),
        (source(service_accounts=(AccountRef("any", "shop"),)), [Identity(EU, "shop", "any")]),
        (source(service_accounts=(AccountRef("any", "shop", "us"),)), [Identity("us.example.org", "shop", "any")]),
        (source("api.shop.us"), [Identity("us.example.org", "shop", "api")]),
        (source(workload_labels=Labels((("app", "api"),))), [API]),
        (source(workload_names=("api-v1",)), [API]),
        (source(namespaces=("shop",)), [Identity(namespace="shop")]),
        (source(namespaces=("shop",), clusters=("us",)), [Identity("us.example.org", "shop")]),
        (source("api.shop", "jobs.batch", namespaces=("shop",)), [API]),
        (source(identities=("spiffe://x/*",)), [Identity(raw="spiffe://x/*")]),
        (
            source(ip_include=("10.0.0.0/8",), ip_exclude=("10.1.0.0/16",)),
            [Identity(ip_include=("10.0.0.0/8",), ip_exclude=("10.1.0.0/16",))],
        ),
        (source("api.shop", ip_include=("10.0.0.0/8",)), [replace(API, ip_include=("10.0.0.0/8",))]),
        (source(authenticated=True), [Identity(any_identity=True)]),
        (source("api.shop", authenticated=True), [API]),
        (source(clusters=("us",)), [Identity("us.example.org")]),
        (source(meshes=MeshSet(clusters=("eu",))), [Identity(EU)]),
        (source("api.shop", clusters=("us",)), [Identity("us.example.org", "shop", "api")]),
        (source(authenticated=False), None),
    ],
)
def test_identities(caller: PolicySource, expected: list[Identity] | None) -> None:
    one = given(access("p", to("web.shop.eu"), sources=(caller,)), facts=two(), targets=BOTH)
    assert one.rule("p").identities == (None if expected is None else tuple(expected))
    assert codes(one.compiled()) == []


def test_callers_that_nothing_says_are_trusted_are_told() -> None:
    facts = {"eu": cluster_facts("eu"), "us": cluster_facts("us")}
    policy = access("p", to("web.shop.eu"), sources=(source("api.shop.us"), source("db.shop")))
    one = given(policy, facts=facts, targets=BOTH)
    (finding,) = found(one.compiled(), "trust-unknown")
    assert "eu/mesh trusts callers of us.example.org" in finding.message
    assert one.rule("p").identities == (Identity(EU, "shop", "db"), Identity("us.example.org", "shop", "api"))


def test_no_from_is_everyone() -> None:
    one = given(access("p"))
    assert one.rule("p").identities is None
    assert dict(one.rule("p").selector) == {"app": "web"}
    assert names(one.compiled()) == ["Rule shop/p-web"]


def test_scope_that_trust_domains_cannot_tell_apart_is_refused() -> None:
    caller = source("api.shop", clusters=("us",))
    one = given(access("p", to("web.shop.eu"), sources=(caller,)), facts=two(EU), targets=BOTH).compiled()
    assert codes(one) == ["trust-domain-shared"]
    assert (names(one), held(one)) == ([], ["p"])
    assert verdict(one, "p", "access.allow").action == "Refused"


def test_source_in_an_unreachable_cluster_holds_and_does_not_narrow() -> None:
    facts = {"eu": cluster_facts("eu")}
    caller = source("api.shop.us")
    one = given(access("p", to("web.shop.eu"), sources=(caller, source("db.shop"))), facts=facts, targets=BOTH)
    compiled = one.compiled()
    assert codes(compiled) == ["source-unreachable"]
    assert (names(compiled), held(compiled)) == ([], ["p"])


def test_unknown_source_of_an_allow_contributes_nothing() -> None:
    one = given(access("p", sources=(source("apy.shop"), source("db.shop"))))
    assert one.rule("p").identities == (Identity(EU, "shop", "db"),)
    (finding,) = one.compiled().findings
    assert (finding.code, finding.severity.value, finding.hint) == (
        "source-unknown",
        "warning",
        "did you mean api.shop?",
    )
    assert held(one.compiled()) == []


@pytest.mark.parametrize("sources", [(source("apy.shop"),), ()])
def test_allow_without_any_caller_left_is_held(sources: tuple[PolicySource, ...]) -> None:
    one = given(access("p", sources=sources)).compiled()
    assert (names(one), held(one), codes(one)) == ([], ["p"], ["source-unknown"])


def test_unknown_source_of_a_deny_is_an_error_and_held() -> None:
    one = given(access("p", action="Deny", sources=(source("apy.shop"), source("db.shop")))).compiled()
    (finding,) = found(one, "source-unknown")
    assert finding.severity.value == "error"
    assert (names(one), held(one)) == ([], ["p"])


def test_account_of_others_too_is_told_by_name() -> None:
    facts = cluster_facts()
    facts = replace(facts, workloads=(*facts.workloads, workload("spy.shop", account="api")))
    one = given(access("p", sources=(source("api.shop"),)), facts={"eu": facts}).compiled()
    (finding,) = found(one, "account-shared")
    assert "shop/spy-v1 run under it too" in finding.message
    assert names(one) == ["Rule shop/p-web"]


def test_default_account_is_told_always() -> None:
    facts = cluster_facts(workloads=(workload("api.shop", account="default"),))
    one = given(access("p", sources=(source("api.shop"),)), facts={"eu": facts}).compiled()
    assert codes(one) == ["account-shared"]


def test_gateway_is_the_account_of_its_pods() -> None:
    gateway = MeshGateway("public", "Ingress", "shop", Labels((("app", "api"),)))
    policy = access("p", sources=(source(gateways=("public",)),))
    assert given(policy, mesh={"gateways": (gateway,)}).rule("p").identities == (API,)
    away = given(policy, mesh={"gateways": (replace(gateway, namespace="edge"),)}).compiled()
    assert (codes(away), held(away)) == (["source-unknown"], ["p"])


PORTS = (PortFacts(80, "http", 8080), PortFacts(81, "admin", "adm"), PortFacts(82, "same", 0))


def ported(*, declares: bool = True) -> dict[str, object]:
    ports = {"adm": 9000} if declares else {}
    others = {"adm": 9001} if declares else {}
    workloads = (
        workload("web.shop", container_ports=ports),
        workload("web.shop", version="v2", container_ports=others),
    )
    return {"eu": cluster_facts(services=(service("web.shop", *PORTS),), workloads=workloads)}


@pytest.mark.parametrize(
    ("asked", "expected"), [((80,), (8080,)), (("http",), (8080,)), (("admin",), (9000, 9001)), ((82, 80), (82, 8080))]
)
def test_ports_of_the_workload(asked: tuple[int | str, ...], expected: tuple[int, ...]) -> None:
    by_target = given(access("p", to("web.shop", ports=asked)), facts=ported()).rule("p")
    assert (by_target.ports, by_target.matches) == (expected, ())
    by_match = given(access("p", matches=(Match(ports=asked),)), facts=ported()).rule("p")
    assert (by_match.ports, by_match.matches) == ((), (Match(ports=expected),))


@pytest.mark.parametrize("action", ["Allow", "Deny"])
@pytest.mark.parametrize("asked", [8080, "grpc", "admin"])
def test_port_that_is_not_known_is_refused(action: str, asked: int | str) -> None:
    policy = access("p", to("web.shop", ports=(asked,)), action=action)
    one = given(policy, facts=ported(declares=False)).compiled()
    (finding,) = found(one, "port-unknown")
    assert finding.severity.value == ("error" if action == "Deny" else "warning")
    assert (names(one), held(one)) == ([], ["p"])


def test_unknown_service_is_held() -> None:
    one = given(access("p", to("wep.shop", "web.shop"))).compiled()
    (finding,) = found(one, "service-unknown")
    assert finding.severity.value == "warning"
    assert (names(one), held(one)) == (["Rule shop/p-web"], ["p"])
    deny = given(access("p", to("wep.shop"), action="Deny")).compiled()
    assert [finding.severity.value for finding in deny.findings] == ["error"]


def test_service_without_selector_is_held() -> None:
    facts = {"eu": cluster_facts(services=(service("web.shop", selector={}),))}
    one = given(access("p"), facts=facts).compiled()
    assert (codes(one), names(one), held(one)) == (["workloads-unknown"], [], ["p"])


def test_service_without_selector_that_was_not_named_stops_nothing() -> None:
    facts = {"eu": cluster_facts(services=(service("web.shop"), service("out.shop", selector={})))}
    one = given(access("p", to("*.shop"), action="Deny"), facts=facts).compiled()
    assert [(finding.code, finding.severity.value) for finding in one.findings] == [("workloads-unknown", "info")]
    assert (names(one), held(one)) == (["Rule shop/p-web"], [])


def test_matches_are_in_normal_form() -> None:
    policy = access("p", matches=(path("/b/"), path("/a"), Match(methods=("post", "GET"))))
    assert given(policy).rule("p").matches == (Match(methods=("GET", "POST")), path("/a"), path("/b"))


def test_one_intent_for_each_policy_and_service() -> None:
    one = given(access("b", to("*.shop")), access("a", action="Deny")).intent().access
    assert [(rule.policy.name, rule.service.name, rule.action.value) for rule in one] == [
        ("a", "web", "Deny"),
        ("b", "api", "Allow"),
        ("b", "db", "Allow"),
        ("b", "web", "Allow"),
    ]
