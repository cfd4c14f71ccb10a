"""Which requests a filter is for: what the predicates mean agrees with routes of which the first that fits counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.predicates import Predicate, carried, guarded, negated, taken
from reconciler.model.intents import Route
from reconciler.model.selectors import Match
from tests.adapters import given

Request = Mapping[str, str]


def holds(predicate: Predicate, request: Request) -> bool:
    """What the proxies do: a header that is not there meets nothing."""
    if isinstance(predicate, bool):
        return predicate
    ((kind, said),) = predicate.items()
    if kind == "not_matcher":
        return not holds(said, request)
    if kind in ("and_matcher", "or_matcher"):
        assert len(said["predicate"]) > 1, "the proxies refuse fewer"
        return (all if kind == "and_matcher" else any)(holds(one, request) for one in said["predicate"])
    name = said["input"]["typed_config"]["header_name"]
    return name in request and _meets(request[name], said["value_match"])


def _meets(value: str, said: Mapping[str, Any]) -> bool:
    if "safe_regex" in said:
        return re.fullmatch(said["safe_regex"]["regex"], value, re.DOTALL) is not None
    if said.get("ignore_case"):
        value = value.lower()
        said = {key: text.lower() for key, text in said.items() if isinstance(text, str)}
    if "exact" in said:
        return value == said["exact"]
    return value.startswith(said["prefix"]) if "prefix" in said else value.endswith(said["suffix"])


def route(*matches: Match) -> Route:
    return Route((), matches, (), (), (), ())


def request(path: str = "/", method: str = "GET", host: str = "a.example", **headers: str) -> Request:
    return {
        ":path": path,
        ":method": method,
        ":authority": host,
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }


def met(match: dict[str, Any], asked: Request) -> bool:
    gaps = Gaps()
    found = holds(taken(route(given.match(match)), {80}, gaps), asked)
    assert not gaps.found
    return found


@pytest.mark.parametrize(
    ("match", "yes", "no"),
    [
        ({"path": {"exact": "/a"}}, ["/a", "/a?b=c"], ["/a/", "/ab", "/", "/b?/a"]),
        ({"path": {"prefix": "/a"}}, ["/a", "/a/", "/a/b?c", "/a?c"], ["/ab", "/b/a", "/b?/a"]),
        ({"path": {"stringPrefix": "/a"}}, ["/a", "/ab", "/a/b"], ["/b/a"]),
        ({"path": {"suffix": ".js"}}, ["/x.js", "/a/x.js?v=1"], ["/x.css?v=.js", "/x.js/y"]),
        ({"path": {"exact": "/a.b", "ignoreCase": True}}, ["/A.b", "/a.B?x"], ["/axb"]),
        ({"path": {"prefix": "/a+(b)"}}, ["/a+(b)", "/a+(b)/c"], ["/aab"]),
        ({"grpc": {"service": "a.B", "method": "C"}}, ["/a.B/C"], ["/a.B/D", "/aXB/C", "/a.B"]),
        ({"grpc": {"service": "a.B", "method": ""}}, ["/a.B/C", "/a.B/D"], ["/a.BC/D", "/a.C/D"]),
        ({"grpc": {"service": "", "method": "C"}}, ["/a.B/C"], ["/a.B/CC", "/C/D"]),
    ],
)
def test_paths(match: dict[str, Any], yes: list[str], no: list[str]) -> None:
    assert [path for path in (*yes, *no) if met(match, request(path))] == yes


@pytest.mark.parametrize(
    ("match", "yes", "no"),
    [
        ({"methods": ["GET", "PUT"]}, [request(), request(method="PUT")], [request(method="POST")]),
        ({"authority": "a.example"}, [request(), request(host="A.example:80")], [request(host="aXexample")]),
        ({"headers": [{"name": "X-A", "exact": "1"}]}, [request(x_a="1")], [request(x_a="2"), request()]),
        (
            {"headers": [{"name": "x-a", "exact": "1", "invert": True}]},
            [request(x_a="2"), request()],
            [request(x_a="1")],
        ),
        ({"headers": [{"name": "x-a", "present": True}]}, [request(x_a=""), request(x_a="1")], [request()]),
        ({"headers": [{"name": "x-a", "present": True, "invert": True}]}, [request()], [request(x_a="1")]),
        ({"headers": [{"name": "x-a", "prefix": "Ab", "ignoreCase": True}]}, [request(x_a="aBc")], [request(x_a="b")]),
        ({"headers": [{"name": "x-a", "suffix": "c"}]}, [request(x_a="abc")], [request(x_a="abcd")]),
        ({"headers": [{"name": "x-a", "regex": "a+"}]}, [request(x_a="aa")], [request(x_a="aab")]),
        ({"path": {"exact": "/a"}, "methods": ["GET"]}, [request("/a")], [request("/a", "PUT"), request("/b")]),
        ({"ports": [80, 81]}, [request()], []),
        ({"ports": [81]}, [], [request()]),
    ],
)
def test_other_conditions(match: dict[str, Any], yes: list[Request], no: list[Request]) -> None:
    assert [one for one in (*yes, *no) if met(match, one)] == yes


@pytest.mark.parametrize(
    "match", [{"path": {"regex": "/a"}}, {"query": [{"name": "a", "present": True}]}, {"scheme": "https"}]
)
def test_what_cannot_be_told_stops_the_rule(match: dict[str, Any]) -> None:
    gaps = Gaps()
    taken(route(given.match(match)), {80}, gaps)
    assert gaps.blocking


PATHS = ("/a", "/b", "/c")
ROUTES = st.lists(
    st.tuples(st.lists(st.sampled_from([{"path": {"exact": one}} for one in PATHS]), max_size=2), st.booleans()),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@cases(ROUTES, st.booleans(), st.sampled_from([*PATHS, "/d"]))
def test_the_first_route_that_takes_a_request_decides(drawn: list[Any], last: bool, path: str) -> None:
    """The last route takes the rest; a filter is for a request if the first route that takes it carries the filter."""
    routes = [([given.match(one) for one in matches], carries) for matches, carries in drawn] + [([], last)]
    gaps = Gaps()
    when = carried([(taken(route(*matches), {80}, gaps), carries) for matches, carries in routes])
    wanted = next(
        carries for matches, carries in routes if not matches or path in [one.path.value for one in matches if one.path]
    )
    assert holds(when, request(path)) is wanted


def test_a_filter_is_skipped_for_all_others() -> None:
    when = taken(route(given.match({"path": {"exact": "/a"}})), {80}, Gaps())
    made = guarded("f", {"@type": "x"}, when)["typed_config"]
    (matcher,) = made["xds_matcher"]["matcher_list"]["matchers"]
    assert matcher["on_match"]["action"]["typed_config"]["@type"].endswith("SkipFilter")
    assert holds(matcher["predicate"], request("/b"))
    assert not holds(matcher["predicate"], request("/a"))
    assert negated(matcher["predicate"]) == when
    assert guarded("f", {"@type": "x"}, True) == {"name": "f", "typed_config": {"@type": "x"}}
