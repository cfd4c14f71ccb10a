"""Which services a policy is about: names, wildcards, labels, namespaces, destinations, everything; and scopes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.compile import compile_state
from reconciler.model.destinations import Destination
from reconciler.model.facts import MeshFacts
from reconciler.model.refs import ServiceRef, TargetId
from reconciler.model.selectors import Labels, MeshSet, PolicyTarget
from reconciler.model.settings import Settings
from tests.compile.builders import (
    NOW,
    TARGET,
    TIMEOUT,
    US,
    at,
    cluster_facts,
    codes,
    found,
    given,
    held,
    names,
    ref,
    service,
    source,
    svc,
    to,
    traffic,
    verdict,
    workload,
)

TWO = {"eu": cluster_facts("eu"), "us": cluster_facts("us")}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (to("web.shop"), ["web.shop"]),
        (to("web.shop", "api.shop"), ["api.shop", "web.shop"]),
        (to("web.shop.eu"), ["web.shop"]),
        (to("*.shop"), ["api.shop", "db.shop", "web.shop"]),
        (to(labels=Labels((("tier", "front"),))), ["web.shop"]),
        (to("*.shop", labels=Labels((("tier", "front"),))), ["web.shop"]),
        (to(namespaces=("batch",)), ["jobs.batch"]),
        (to("web.shop", "jobs.batch", namespaces=("batch",)), ["jobs.batch"]),
        (to(destinations=("named",)), ["api.shop"]),
        (to(hosts=("web.shop.svc.cluster.local",)), ["web.shop"]),
        (to(clusters=("eu",)), ["api.shop", "db.shop", "jobs.batch", "web.shop"]),
        (to(everything=True), ["api.shop", "db.shop", "jobs.batch", "web.shop"]),
        (to("web.shop", clusters=("us",)), []),
        (to("web.shop.us"), []),
        (to("web.shop", meshes=MeshSet(names=("other",))), []),
    ],
)
def test_services_of_a_target(target: PolicyTarget, expected: list[str]) -> None:
    named = Destination(ref("named", "Destination"), at(), svc("api.shop"))
    services = (
        service("web.shop", labels={"tier": "front"}),
        service("api.shop"),
        service("db.shop"),
        service("jobs.batch"),
        service("dns.kube-system"),
        service("pilot.toy-system"),
        service("kubernetes.default", selector={}),
    )
    one = given(traffic("p", target, rule=TIMEOUT), named, facts={"eu": cluster_facts(services=services)})
    hosts = sorted(f"{host.service.name}.{host.service.namespace}" for host in one.intent().hosts)
    assert hosts == expected
    assert ("policy-matches-nothing" in codes(one.compiled())) == (not expected)


def test_everything_is_what_is_enrolled_where_that_is_known() -> None:
    mesh = MeshFacts("toy", "toy-system", trust_domain="d", enrolled_namespaces=("batch",))
    one = given(traffic("p", to(everything=True), rule=TIMEOUT), facts={"eu": cluster_facts(meshes=(mesh,))})
    assert [host.service.name for host in one.intent().hosts] == ["jobs"]


def test_everything_holds_services_whose_workloads_are_enrolled_by_themselves() -> None:
    own = {"shop/Deployment/web-v1": "", "shop/Deployment/db-v1": "none"}
    mesh = MeshFacts("toy", "toy-system", trust_domain="d", enrolled_namespaces=("batch",), workload_profiles=own)
    workloads = (workload("web.shop"), workload("db.shop"), workload("api.shop"))
    facts = {"eu": cluster_facts(meshes=(mesh,), workloads=workloads)}
    one = given(traffic("p", to(everything=True), rule=TIMEOUT), facts=facts)
    assert [host.service.name for host in one.intent().hosts] == ["jobs", "web"]


def test_namespace_of_another_mesh_in_the_cluster_is_left_to_it() -> None:
    one = MeshFacts("toy", "a-system", trust_domain="d", enrolled_namespaces=("shop",))
    two = MeshFacts("toy", "b-system", trust_domain="d", enrolled_namespaces=("batch",))
    facts = {"eu": cluster_facts(meshes=(one, two))}
    state = given(
        traffic("p", to("web.shop", "jobs.batch"), rule=TIMEOUT),
        facts=facts,
        targets=(TargetId("eu", "a"), TargetId("eu", "b")),
    )
    desired, *rest = state.arguments()
    views = {
        target: replace(view, meshes=tuple(replace(mesh, namespace=f"{mesh.ref.name}-system") for mesh in view.meshes))
        for target, view in desired.views.items()
    }
    compiled = compile_state(replace(desired, views=views), *rest)
    assert names(compiled, TargetId("eu", "a")) == ["Host shop/web"]
    assert names(compiled, TargetId("eu", "b")) == ["Host batch/jobs"]


def test_unknown_service_is_written_and_warned_about() -> None:
    one = given(traffic("p", to("wep.shop"), rule=TIMEOUT))
    host = one.host("wep.shop")
    assert host.facts is None
    assert host.service == ServiceRef("wep", "shop", "eu")
    (finding,) = found(one.compiled(), "service-unknown")
    assert (finding.severity.value, finding.hint) == ("warning", "did you mean web.shop?")
    assert finding.target == TARGET
    assert names(one.compiled()) == ["Host shop/wep"]


def test_unknown_service_is_an_error_that_holds_where_strict() -> None:
    one = given(traffic("p", to("wep.shop"), rule=TIMEOUT), settings=Settings(strict=True)).compiled()
    assert [finding.severity.value for finding in found(one, "service-unknown")] == ["error"]
    assert (names(one), held(one)) == ([], ["p"])


def test_unknown_destination_refuses() -> None:
    one = given(traffic("p", to("web.shop", destinations=("nameless",)), rule=TIMEOUT)).compiled()
    assert codes(one) == ["destination-unknown"]
    assert (names(one), held(one)) == ([], ["p"])


def test_host_that_nobody_declares_is_told_and_written() -> None:
    one = given(traffic("p", to(hosts=("api.example.org",)), rule=TIMEOUT)).compiled()
    assert codes(one) == ["host-undeclared"]
    assert verdict(one, "p", "traffic.timeout.request").destinations[0].host == "api.example.org"


OUTLIER = {"traffic.outlier.interval": "9s", "traffic.outlier.baseEjection": "3s"}


def test_a_part_of_a_service_has_what_holds_for_it_as_a_whole() -> None:
    part = to("web.shop", subset=(("version", "v1"),))
    one = given(traffic("p", part, rule={"traffic.outlier.interval": "1s"}), traffic("q", rule=OUTLIER))
    (host,) = one.intent().hosts
    assert [subset.name for subset in host.subsets] == ["v1"]
    assert {leaf.path: leaf.value for leaf in host.host_leaves} == OUTLIER
    assert {leaf.path: leaf.value for leaf in host.part_leaves["v1"]} == OUTLIER | {"traffic.outlier.interval": "1s"}


def test_a_higher_priority_stands_above_a_narrower_target() -> None:
    part = to("web.shop", subset=(("version", "v1"),))
    one = given(traffic("p", part, rule={"traffic.outlier.interval": "1s"}), traffic("q", rule=OUTLIER, priority=1))
    (host,) = one.intent().hosts
    assert {leaf.path: leaf.value for leaf in host.part_leaves["v1"]} == OUTLIER
    assert codes(one.compiled()) == ["policy-conflict"]


def test_a_part_of_a_service_has_no_routes_of_its_own() -> None:
    one = given(traffic("p", to("web.shop", subset=(("version", "v1"),)), rule=TIMEOUT)).compiled()
    assert codes(one) == ["target-subset"]
    assert held(one) == ["p"]


def test_each_cluster_in_scope_gets_the_policy() -> None:
    one = given(traffic("p", rule=TIMEOUT), facts=TWO, targets=(TARGET, US)).compiled()
    assert (names(one), names(one, US)) == (["Host shop/web"], ["Host shop/web"])


def test_source_scoped_elsewhere_does_not_apply_here() -> None:
    policy = traffic("p", rule=TIMEOUT, sources=source("api.shop", clusters=("us",)))
    one = given(policy, facts=TWO, targets=(TARGET, US)).compiled()
    assert (names(one), names(one, US)) == ([], ["Host shop/web"])
    assert codes(one) == []
    assert codes(given(policy).compiled()) == ["policy-matches-nothing"]


def test_source_with_a_cluster_does_not_apply_elsewhere() -> None:
    policy = traffic("p", rule=TIMEOUT, sources=source("api.shop.us"))
    one = given(policy, facts=TWO, targets=(TARGET, US)).compiled()
    assert (names(one), names(one, US)) == ([], ["Host shop/web"])


def test_expired_policy_is_told_and_not_applied() -> None:
    one = given(traffic("p", rule=TIMEOUT, expires=NOW)).compiled()
    assert (names(one), codes(one), held(one)) == ([], ["policy-expired"], [])
    assert names(given(traffic("p", rule=TIMEOUT, expires=NOW + timedelta(seconds=1))).compiled()) == ["Host shop/web"]


def test_unreachable_target_has_no_entry_and_silences_the_warning_about_nothing() -> None:
    policy = traffic("p", to("nothing-here.shop.us"), rule=TIMEOUT)
    one = given(policy, facts={"eu": cluster_facts()}, targets=(TARGET, US)).compiled()
    assert sorted(one.objects) == [TARGET]
    assert codes(one) == []
    assert codes(given(policy).compiled()) == ["policy-matches-nothing"]


def test_matches_nothing_is_told_once() -> None:
    policy = traffic("p", to("*.nowhere"), rule=TIMEOUT)
    one = given(policy, facts=TWO, targets=(TARGET, US)).compiled()
    (finding,) = found(one, "policy-matches-nothing")
    assert (finding.target, finding.position) == (None, policy.position)


def test_an_item_that_matches_nothing_is_told_beside_others_that_do() -> None:
    for item in (to(namespaces=("nowhere",)), to(labels=Labels((("app", "nobody"),))), to("*.nowhere")):
        policy = traffic("p", to("web.shop"), item, rule=TIMEOUT)
        one = given(policy, facts=TWO, targets=(TARGET, US)).compiled()
        (finding,) = found(one, "target-matches-nothing")
        assert (finding.target, finding.position) == (None, item.position)
        assert names(one) == ["Host shop/web"]
        # one of the two clusters could not be read: it may be there
        assert codes(given(policy, facts={"eu": cluster_facts()}, targets=(TARGET, US)).compiled()) == []
