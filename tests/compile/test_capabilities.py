"""What the mesh cannot do refuses the whole policy there, loudly; what it does in its own way is said."""

from __future__ import annotations

import pytest

from reconciler.adapters.base import Capability, Level
from reconciler.compile.paths import access_uses, traffic_uses
from reconciler.model.facts import MeshFacts
from reconciler.model.rules import RouteEntry
from reconciler.model.selectors import AccountRef, Match, MeshSet, PathKind, PathMatch, PolicySource, ValueMatch
from tests.compile.builders import (
    TIMEOUT,
    access,
    cluster_facts,
    codes,
    entry,
    found,
    given,
    held,
    names,
    path,
    source,
    to,
    toy,
    traffic,
    verdict,
)


def test_lacking_leaf_refuses_the_whole_policy() -> None:
    policy = traffic("p", rule=TIMEOUT | {"traffic.fault.abort.httpStatus": 503})
    one = given(policy, adapter=toy({"traffic.fault": Level.NONE})).compiled()
    (finding,) = found(one, "capability-unsupported")
    assert (finding.severity.value, finding.position) == ("warning", policy.leaves[1].position)
    assert "traffic.fault.abort.httpStatus" in finding.message
    assert "traffic.fault is odd" in finding.message
    assert (names(one), held(one)) == ([], ["p"])
    assert one.holds[0].finding == finding
    assert {(item.capability, item.action) for item in one.verdicts} == {
        ("traffic.fault.abort.httpStatus", "Refused"),
        ("traffic.timeout.request", "Refused"),
    }


def test_other_policies_of_the_service_hold() -> None:
    lacking = traffic("a", rule={"traffic.fault.abort.httpStatus": 503})
    one = given(lacking, traffic("b", rule=TIMEOUT), adapter=toy({"traffic.fault": Level.NONE}))
    assert [origin.ref.name for origin in one.host().origins] == ["b"]


def test_unknown_path_is_an_error() -> None:
    adapter = toy(capabilities=dict)
    one = given(traffic("p", rule=TIMEOUT), adapter=adapter).compiled()
    (finding,) = found(one, "capability-unsupported")
    assert finding.severity.value == "error"


@pytest.mark.parametrize("glob", ["traffic.timeout", "traffic.timeout.*", "traffic.*.request", "traffic"])
def test_disabled_by_the_operator(glob: str) -> None:
    one = given(traffic("p", rule=TIMEOUT), mesh={"disabled_capabilities": (glob,)}).compiled()
    assert codes(one) == ["capability-unsupported"]
    assert names(one) == []


def test_other_globs_disable_nothing() -> None:
    one = given(traffic("p", rule=TIMEOUT), mesh={"disabled_capabilities": ("traffic.retries.*", "access")}).compiled()
    assert names(one) == ["Host shop/web"]


@pytest.mark.parametrize("level", [Level.EMULATED, Level.PARTIAL])
def test_near_form_is_applied_with_its_note(level: Level) -> None:
    one = given(traffic("p", rule=TIMEOUT), adapter=toy({"traffic.timeout": level})).compiled()
    item = verdict(one, "p", "traffic.timeout.request")
    assert (item.level, item.action, item.note) == (level.value, "Applied", "traffic.timeout is odd")


def test_refused_deny_is_an_error() -> None:
    one = given(access("p", action="Deny"), adapter=toy({"access.deny": Level.NONE})).compiled()
    (finding,) = found(one, "capability-unsupported")
    assert finding.severity.value == "error"
    assert held(one) == ["p"]


def test_finer_claim_is_asked_and_named() -> None:
    policy = traffic("p", matches=(Match(headers=(ValueMatch("a", "suffix", "x"),)),), rule=TIMEOUT)
    one = given(policy, adapter=toy({"traffic.match.headers.suffix": Level.NONE})).compiled()
    assert verdict(one, "p", "traffic.match.headers.suffix").action == "Refused"
    two = given(policy, adapter=toy()).compiled()
    assert verdict(two, "p", "traffic.match.headers").action == "Applied"


def test_field_of_a_leaf_that_is_one_value() -> None:
    policy = traffic("p", rule={"traffic.redirect": {"prefix": "/x", "to": {"deep": 1}}})
    assert [use.detail for use in traffic_uses(policy, ())] == ["traffic.redirect.prefix", "traffic.redirect.to.deep"]
    one = given(policy, adapter=toy({"traffic.redirect.prefix": Level.NONE})).compiled()
    assert {(item.capability, item.action) for item in one.verdicts} == {
        ("traffic.redirect.prefix", "Refused"),
        ("traffic.redirect", "Refused"),
    }
    two = given(policy, adapter=toy({"traffic.redirect.other": Level.NONE})).compiled()
    assert verdict(two, "p", "traffic.redirect").action == "Applied"


@pytest.mark.parametrize(
    ("running", "since", "able"),
    [
        ("1.19.4", "1.20", False),
        ("1.20.0", "1.20", True),
        ("1.9", "1.20", False),
        ("2.0", "1.20", True),
        ("1.20", "1.20.1", False),
        ("", "1.20", True),
        ("1.0", "", True),
    ],
)
def test_version_that_has_it(running: str, since: str, able: bool) -> None:
    mesh = MeshFacts("toy", "toy-system", running, trust_domain="d")
    claims = {"traffic": Capability("traffic", Level.NATIVE, since=since)}
    adapter = toy(capabilities=lambda _profile: claims)
    one = given(traffic("p", rule=TIMEOUT), adapter=adapter, facts={"eu": cluster_facts(meshes=(mesh,))}).compiled()
    assert names(one) == (["Host shop/web"] if able else [])
    assert codes(one) == ([] if able else ["capability-unsupported"])


def test_paths_of_a_traffic_policy() -> None:
    everything = Match(
        PathMatch(PathKind.REGEX, "/a"),
        ("GET",),
        (ValueMatch("h", "exact", "1", invert=True),),
        (ValueMatch("q", "present"),),
        "host",
        "https",
        (80,),
    )
    caller = source(
        "api.shop",
        namespaces=("shop",),
        workload_names=("x",),
        service_accounts=(AccountRef("a", "shop"),),
        identities=("spiffe://x",),
        gateways=("g",),
        ip_include=("10.0.0.0/8",),
        authenticated=True,
    )
    headed = RouteEntry(to("api.shop"), 1, {"request": {"set": {"a": "b"}}})
    policy = traffic(
        "p",
        matches=(everything,),
        sources=caller,
        reject_unmatched=True,
        rule=TIMEOUT | {"traffic.route": (entry(subset="v1"), headed), "traffic.mirror": (entry("api.shop"),)},
    )
    assert sorted({use.path for use in traffic_uses(policy, (caller,))}) == [
        "traffic.from.authenticated",
        "traffic.from.gateways",
        "traffic.from.identities",
        "traffic.from.ipBlocks",
        "traffic.from.namespaces",
        "traffic.from.serviceAccounts",
        "traffic.from.services",
        "traffic.from.workloads",
        "traffic.match.authority",
        "traffic.match.headers",
        "traffic.match.methods",
        "traffic.match.path.regex",
        "traffic.match.ports",
        "traffic.match.query",
        "traffic.match.scheme",
        "traffic.mirror",
        "traffic.route.headers",
        "traffic.route.subset",
        "traffic.route.weight",
        "traffic.timeout.request",
        "traffic.unmatched",
    ]


def test_paths_of_an_access_policy() -> None:
    caller = PolicySource(meshes=MeshSet(), clusters=("eu",), service_accounts=(AccountRef("a", "shop"),))
    policy = access(
        "p",
        to("web.shop", ports=(80,)),
        action="Deny",
        sources=(caller,),
        matches=(path("/a"), Match(methods=("GET",))),
    )
    assert sorted({use.path for use in access_uses(policy)}) == [
        "access.deny",
        "access.from.clusters",
        "access.from.meshes",
        "access.from.serviceAccounts",
        "access.match.methods",
        "access.match.path.prefix",
        "access.match.ports",
    ]
