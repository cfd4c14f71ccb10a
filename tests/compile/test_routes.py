"""Routes of one service: catch-all, order, joining, what is taken over from wider policies, what is rejected."""

from __future__ import annotations

from reconciler.model.intents import Backend, Route, TrafficSource
from reconciler.model.refs import ServiceRef
from reconciler.model.selectors import Match, PathKind
from tests.compile.builders import codes, entry, found, given, header, held, names, path, source, to, traffic

WEB = ServiceRef("web", "shop", "eu")


def leaves(route: Route) -> dict[str, object]:
    return {f"{leaf.path} {leaf.key}".strip(): leaf.value for leaf in route.leaves}


def test_policy_about_everything_is_the_catch_all() -> None:
    host = given(traffic("p", rule={"traffic.timeout.request": "3s"})).host()
    (route,) = host.routes
    assert (route.sources, route.matches, route.reject) == ((), (), False)
    assert route.backends == (Backend(WEB, 100),)
    assert leaves(route) == {"traffic.timeout.request": "3s"}
    assert [origin.ref.name for origin in route.origins] == ["p"]


def test_catch_all_is_appended_to_a_matched_route() -> None:
    host = given(traffic("p", matches=(path("/a"),), rule={"traffic.timeout.request": "3s"})).host()
    assert [route.matches for route in host.routes] == [(path("/a"),), ()]
    assert host.routes[1].leaves == ()


def test_matched_route_takes_what_it_lacks_from_the_wider_policy() -> None:
    narrow = traffic("narrow", matches=(path("/a"),), rule={"traffic.timeout.request": "1s"})
    wide = traffic("wide", rule={"traffic.timeout.request": "9s", "traffic.retries.attempts": 2})
    compiled = given(narrow, wide).compiled()
    first, last = given(narrow, wide).host().routes
    assert leaves(first) == {"traffic.timeout.request": "1s", "traffic.retries.attempts": 2}
    assert leaves(last) == {"traffic.timeout.request": "9s", "traffic.retries.attempts": 2}
    assert [origin.ref.name for origin in first.origins] == ["narrow", "wide"]
    assert codes(compiled) == []


def test_the_narrowest_cover_is_asked_first() -> None:
    documents = (
        traffic("a", matches=(path("/a"),), sources=source("api.shop"), rule={"traffic.retries.attempts": 1}),
        traffic("b", matches=(path("/a"),), rule={"traffic.timeout.request": "2s"}),
        traffic("c", sources=source("api.shop"), rule={"traffic.timeout.request": "3s"}),
        traffic("d", rule={"traffic.timeout.request": "4s"}),
    )
    routes = given(*documents).host().routes
    assert leaves(routes[0]) == {"traffic.retries.attempts": 1, "traffic.timeout.request": "2s"}
    assert [leaves(route)["traffic.timeout.request"] for route in routes] == ["2s", "2s", "3s", "4s"]


def test_a_wider_source_covers_a_narrower_one_and_not_the_other_way() -> None:
    shop = traffic("shop", sources=source(namespaces=("shop",)), rule={"traffic.timeout.request": "2s"})
    api = traffic("api", sources=source("api.shop"), rule={"traffic.retries.attempts": 1})
    routes = given(shop, api).host().routes
    assert [route.sources for route in routes] == [
        (TrafficSource("shop", (("app", "api"),)),),
        (TrafficSource("shop"),),
        (),
    ]
    assert leaves(routes[0]) == {"traffic.retries.attempts": 1, "traffic.timeout.request": "2s"}
    assert leaves(routes[1]) == {"traffic.timeout.request": "2s"}


def test_routes_are_ordered_by_specificity() -> None:
    matches = (
        Match(methods=("GET",)),
        path("/a"),
        path("/a/longer"),
        path("/z", PathKind.EXACT),
        path("/r.*", PathKind.REGEX),
        header("x-a"),
        Match(ports=(80,)),
    )
    documents = [
        traffic(f"p{index}", matches=(match,), rule={"traffic.timeout.request": f"{index + 1}s"})
        for index, match in enumerate(matches)
    ]
    order = [route.matches for route in given(*documents).host().routes]
    assert order == [
        (path("/z", PathKind.EXACT),),
        (path("/r.*", PathKind.REGEX),),
        (path("/a/longer"),),
        (path("/a"),),
        (header("x-a"),),
        (Match(methods=("GET",)),),
        (Match(ports=(80,)),),
        (),
    ]


def test_matches_of_one_policy_stay_one_route_unless_another_stands_between() -> None:
    both = traffic("both", matches=(path("/a"), path("/b")), rule={"traffic.timeout.request": "1s"})
    assert [len(route.matches) for route in given(both).host().routes] == [2, 0]
    between = traffic("between", matches=(path("/a"),), rule={"traffic.retries.attempts": 1})
    routes = given(both, between).host().routes
    assert [route.matches for route in routes] == [(path("/a"),), (path("/b"),), ()]
    assert leaves(routes[0]) == {"traffic.timeout.request": "1s", "traffic.retries.attempts": 1}


def test_sources_of_one_policy_stay_one_route() -> None:
    policy = traffic("p", sources=source(namespaces=("shop", "batch")), rule={"traffic.timeout.request": "1s"})
    routes = given(policy).host().routes
    assert [route.sources for route in routes] == [(TrafficSource("batch"), TrafficSource("shop")), ()]


def test_equal_conditions_written_differently_make_one_route() -> None:
    one = traffic("one", matches=(Match(methods=("POST", "get")),), rule={"traffic.timeout.request": "1s"})
    two = traffic("two", matches=(Match(methods=("GET", "POST")),), rule={"traffic.retries.attempts": 1})
    routes = given(one, two).host().routes
    assert [route.matches for route in routes] == [(Match(methods=("GET", "POST")),), ()]
    assert len(routes[0].leaves) == 2


def test_prefix_of_everything_is_no_condition() -> None:
    routes = given(traffic("p", matches=(path("/"),), rule={"traffic.timeout.request": "1s"})).host().routes
    assert [route.matches for route in routes] == [()]


def test_reject_replaces_the_catch_all() -> None:
    policy = traffic("p", matches=(path("/a"),), reject_unmatched=True, rule={"traffic.timeout.request": "1s"})
    routes = given(policy).host().routes
    assert [(route.matches, route.reject) for route in routes] == [((path("/a"),), False), ((), True)]
    assert [origin.ref.name for origin in routes[1].origins] == ["p"]


def test_reject_needs_no_other_leaf() -> None:
    routes = given(traffic("p", matches=(path("/a"),), reject_unmatched=True)).host().routes
    assert [(route.matches, route.reject) for route in routes] == [((path("/a"),), False), ((), True)]
    assert [origin.ref.name for origin in routes[0].origins] == ["p"]


def test_reject_of_a_policy_that_matches_everything_is_told() -> None:
    one = given(traffic("p", reject_unmatched=True, rule={"traffic.timeout.request": "1s"}))
    assert codes(one.compiled()) == ["unmatched-without-match"]
    assert [route.reject for route in one.host().routes] == [False]


def test_reject_against_a_route_for_everyone_is_a_conflict() -> None:
    rejecting = traffic("a", matches=(path("/a"),), reject_unmatched=True, priority=1)
    sending = traffic("b", rule={"traffic.route": (entry("api.shop"),)})
    one = given(rejecting, sending)
    (conflict,) = found(one.compiled(), "policy-conflict")
    assert "TrafficPolicy/default/b" in conflict.message
    assert [route.reject for route in one.host().routes] == [False, True]
    assert one.host().routes[0].backends[0].service.name == "api"
    other = given(rejecting, traffic("b", priority=2, rule={"traffic.route": (entry("api.shop"),)}))
    assert [route.reject for route in other.host().routes] == [False, False]
    assert found(other.compiled(), "policy-conflict")


def test_leaf_that_holds_nowhere_is_told() -> None:
    rejecting = traffic("a", matches=(path("/a"),), reject_unmatched=True, rule={"traffic.timeout.request": "1s"})
    idle = traffic("b", rule={"traffic.timeout.request": "5s"})
    (finding,) = found(given(rejecting, idle).compiled(), "leaf-without-effect")
    assert finding.documents[0].name == "b"
    assert finding.position == idle.leaves[0].position


def test_redirect_takes_no_route_over() -> None:
    redirect = traffic("a", matches=(path("/old"),), rule={"traffic.redirect.path": "/new"})
    route = traffic("b", rule={"traffic.route": (entry("api.shop"),), "traffic.timeout.request": "1s"})
    first, last = given(redirect, route).host().routes
    assert leaves(first) == {"traffic.redirect.path": "/new"}
    assert first.backends[0].service == WEB
    assert leaves(last) == {"traffic.timeout.request": "1s"}
    assert last.backends[0].service.name == "api"


def test_redirect_and_route_of_the_same_requests_are_a_conflict() -> None:
    redirect = traffic("a", rule={"traffic.redirect.path": "/new"}, priority=1)
    route = traffic("b", rule={"traffic.route": (entry("api.shop"),), "traffic.timeout.request": "1s"})
    one = given(redirect, route)
    (conflict,) = found(one.compiled(), "policy-conflict")
    assert conflict.position == route.leaves[0].position
    assert leaves(one.host().routes[0]) == {"traffic.redirect.path": "/new", "traffic.timeout.request": "1s"}


def test_redirect_and_route_in_one_policy_are_refused() -> None:
    both = traffic("a", rule={"traffic.redirect.path": "/new", "traffic.route": (entry("api.shop"),)})
    compiled = given(both).compiled()
    assert [finding.severity.value for finding in found(compiled, "actions-contradict")] == ["error"]
    assert (names(compiled), held(compiled)) == ([], ["a"])


def test_host_without_routes_has_none() -> None:
    host = given(traffic("p", rule={"traffic.outlier.consecutiveErrors": 5})).host()
    assert host.routes == ()
    assert [leaf.path for leaf in host.host_leaves] == ["traffic.outlier.consecutiveErrors"]


def test_target_ports_are_a_condition() -> None:
    policy = traffic("p", to("web.shop", ports=("http",)), rule={"traffic.timeout.request": "1s"})
    assert [route.matches for route in given(policy).host().routes] == [(Match(ports=(80,)),), ()]


def test_ports_that_exclude_each_other_are_refused() -> None:
    policy = traffic("p", to("web.shop", ports=(80,)), matches=(Match(ports=(81,)),))
    compiled = given(policy).compiled()
    assert codes(compiled) == ["port-unknown"]
    assert held(compiled) == ["p"]
