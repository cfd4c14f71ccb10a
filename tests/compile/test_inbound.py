"""What the destination's own side does with requests: routes of their own, apart from those that lead there."""

from __future__ import annotations

from reconciler.model.facts import ServiceFacts
from reconciler.model.refs import ServiceRef
from tests.compile.builders import cluster_facts, codes, found, given, held, path, to, traffic, verdict

LIMIT = {"traffic.rateLimit.local": {"requests": 10, "unit": "Second"}}
OTHER = {"traffic.rateLimit.local": {"requests": 99, "unit": "Second"}}


def test_limits_do_not_make_routes_for_callers() -> None:
    host = given(traffic("p", rule=LIMIT, matches=(path("/a"),))).host()
    assert host.routes == ()
    assert [(route.matches, [leaf.path for leaf in route.leaves]) for route in host.inbound] == [
        ((path("/a"),), ["traffic.rateLimit.local"]),
        ((), []),
    ]
    assert [origin.ref.name for origin in host.origins] == ["p"]


def test_a_matched_route_takes_what_holds_for_all() -> None:
    wide, narrow = traffic("wide", rule=LIMIT), traffic("narrow", rule={"traffic.csrf": {}}, matches=(path("/a"),))
    matched, rest = given(wide, narrow).host().inbound
    assert [leaf.path for leaf in matched.leaves] == ["traffic.csrf", "traffic.rateLimit.local"]
    assert [leaf.path for leaf in rest.leaves] == ["traffic.rateLimit.local"]


def test_a_limit_and_a_timeout_of_one_policy_part_ways() -> None:
    host = given(traffic("p", rule=LIMIT | {"traffic.timeout.request": "1s"}, matches=(path("/a"),))).host()
    assert [[leaf.path for leaf in route.leaves] for route in host.routes] == [["traffic.timeout.request"], []]
    assert [[leaf.path for leaf in route.leaves] for route in host.inbound] == [["traffic.rateLimit.local"], []]


def test_two_limits_are_a_conflict() -> None:
    one = given(traffic("a", rule=LIMIT), traffic("b", rule=OTHER, priority=1))
    (route,) = one.host().inbound
    assert [leaf.policy.name for leaf in route.leaves] == ["b"]
    assert codes(one.compiled()) == ["policy-conflict"]


def test_a_service_without_known_workloads_refuses_it_where_it_is_named() -> None:
    bare = ServiceFacts(ServiceRef("web", "shop", "eu"))
    facts = {"eu": cluster_facts(services=(bare, *cluster_facts().services[1:]))}
    one = given(traffic("p", rule=LIMIT), facts=facts).compiled()
    assert codes(one) == ["workloads-unknown"]
    assert (verdict(one, "p", "traffic.rateLimit.local").action, held(one)) == ("Refused", ["p"])
    wide = given(traffic("p", to("*.shop"), rule=LIMIT), facts=facts).compiled()
    assert [finding.severity.value for finding in found(wide, "workloads-unknown")] == ["info"]
