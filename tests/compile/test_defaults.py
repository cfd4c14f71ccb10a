"""What holds for a whole mesh: mTLS by precedence, default deny with its gateways, and whom it cuts off."""

from __future__ import annotations

from reconciler.adapters.base import Level
from reconciler.model.facts import GatewayFacts, MeshFacts
from reconciler.model.meshes import MeshGateway
from reconciler.model.selectors import LabelExpression, Labels, MeshSet
from tests.compile.builders import (
    TIMEOUT,
    access,
    cluster_facts,
    codes,
    found,
    given,
    group,
    held,
    names,
    source,
    to,
    toy,
    traffic,
    workload,
)


def test_mtls_of_a_group() -> None:
    prod = group(mtls="Strict")
    (mode,) = given(prod).mode()
    assert (mode.mode, mode.service, dict(mode.selector)) == ("Strict", None, {})
    assert [(origin.ref, origin.position) for origin in mode.origins] == [(prod.ref, prod.mtls_position)]


def test_mtls_of_the_mesh_goes_before_its_groups() -> None:
    one = given(group(mtls="Strict"), mesh={"mtls": "Permissive"})
    assert [(mode.mode, mode.origins[0].ref.kind) for mode in one.mode()] == [("Permissive", "Mesh")]
    assert codes(one.compiled()) == []


def test_mesh_default_emits_nothing() -> None:
    assert given(group(mtls="MeshDefault")).mode() == ()
    assert [mode.mode for mode in given(group(mtls="Strict"), mesh={"mtls": "MeshDefault"}).mode()] == ["Strict"]


def test_groups_that_disagree_about_mtls() -> None:
    one = given(group("a", mtls="Permissive"), group("b", mtls="Strict"))
    assert [(mode.mode, mode.origins[0].ref.name) for mode in one.mode()] == [("Strict", "b")]
    (finding,) = found(one.compiled(), "policy-conflict")
    assert [document.name for document in finding.documents] == ["a", "b"]


def test_mtls_that_the_mesh_cannot_do_is_held() -> None:
    one = given(group(mtls="Strict"), adapter=toy({"mesh.config.mtls": Level.NONE})).compiled()
    assert (codes(one), held(one), names(one)) == (["capability-unsupported"], ["prod"], [])


def test_group_of_other_meshes_says_nothing_here() -> None:
    one = given(group(mtls="Strict", access="Deny", members=MeshSet(names=("other",)))).intent()
    assert (one.mtls, one.default_deny) == ((), None)


def test_default_deny_keeps_declared_and_discovered_gateways() -> None:
    found_there = GatewayFacts("found", "toy-system", "Ingress", {"gw": "found"})
    twin = GatewayFacts("twin", "edge", "Ingress", {"gw": "public", "app": "edge"})
    bare = GatewayFacts("bare", "edge", "Ingress", {})
    mesh = MeshFacts("toy", "toy-system", trust_domain="d", gateways=(found_there, twin, bare))
    declared = MeshGateway("public", "Ingress", "edge", Labels((("gw", "public"),)))
    one = given(group(access="Deny"), facts={"eu": cluster_facts(meshes=(mesh,))}, mesh={"gateways": (declared,)})
    deny = one.intent().default_deny
    assert deny is not None
    assert deny.gateways == (GatewayFacts("public", "edge", "Ingress", {"gw": "public"}), found_there)
    assert [origin.ref.name for origin in deny.origins] == ["prod"]


def test_gateway_selected_by_expression_is_its_workloads() -> None:
    selector = Labels((), (LabelExpression("app", "In", ("edge",)),))
    declared = MeshGateway("public", "Ingress", "shop", selector)
    facts = {"eu": cluster_facts(workloads=(workload("edge.shop"),))}
    deny = given(group(access="Deny"), facts=facts, mesh={"gateways": (declared,)}).intent().default_deny
    assert deny is not None
    assert [dict(gateway.labels) for gateway in deny.gateways] == [{"app": "edge", "version": "v1"}]
    nobody = given(group(access="Deny"), mesh={"gateways": (declared,)}).compiled()
    assert codes(nobody) == ["gateway-unknown"]


def test_groups_that_disagree_about_access() -> None:
    one = given(group("a", access="Allow"), group("b", access="Deny"), group("c", access="MeshDefault"))
    assert one.intent().default_deny is not None
    assert len(found(one.compiled(), "policy-conflict")) == 1


def test_default_deny_that_the_mesh_cannot_do_is_an_error() -> None:
    one = given(group(access="Deny"), adapter=toy({"access.defaultDeny": Level.NONE})).compiled()
    assert [finding.severity.value for finding in found(one, "capability-unsupported")] == ["error"]
    assert (held(one), names(one)) == (["prod"], [])


def test_callers_that_nothing_allows_are_told() -> None:
    calls = traffic("calls", rule=TIMEOUT, sources=(source("api.shop"), source("db.shop")))
    allows = access("allows", sources=(source("db.shop"),))
    (finding,) = found(given(group(access="Deny"), calls, allows).compiled(), "access-cut-off")
    assert "shop/api" in finding.message
    assert "shop/db" not in finding.message
    assert finding.position == calls.position


def test_allowed_callers_are_not_told() -> None:
    calls = traffic("calls", rule=TIMEOUT, sources=source("api.shop"))
    for allowing in (
        {"sources": (source("api.shop"),)},
        {"sources": (source(namespaces=("shop",)),)},
        {"sources": (source(authenticated=True),)},
        {"sources": (source(identities=("spiffe://eu.example.org/ns/shop/*",)),)},
        {},
    ):
        assert codes(given(group(access="Deny"), calls, access("allows", **allowing)).compiled()) == []


def test_service_that_nobody_may_call_is_told_once() -> None:
    one = given(
        group(access="Deny"), traffic("a", rule=TIMEOUT), traffic("b", rule=TIMEOUT), access("d", action="Deny")
    )
    (finding,) = found(one.compiled(), "access-cut-off")
    assert "nobody may call web.shop" in finding.message
    assert [document.name for document in finding.documents] == ["a", "b"]


def test_without_default_deny_nobody_is_cut_off() -> None:
    assert codes(given(traffic("a", to("web.shop"), rule=TIMEOUT)).compiled()) == []
