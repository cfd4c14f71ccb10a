"""Whatever the routes, a request goes where the first route that fits sends it, in one object and in several."""

from __future__ import annotations

from itertools import product

from hypothesis import assume, settings
from hypothesis import given as cases
from hypothesis import strategies as st

from reconciler.adapters.standard.conditions import EXACT, PREFIX, REGEX, Condition, Value
from reconciler.adapters.standard.precedence import TooMany, in_order

Request = tuple[str, str, dict[str, str], dict[str, str]]
PATHS = ("/", "/a", "/a/b", "/a/b/c", "/b")
REQUESTS: list[Request] = [
    (path, method, headers, query)
    for path, method, headers, query in product(
        ("/", "/a", "/ab", "/a/b", "/a/b/c", "/a/b/c/d", "/b", "/c"),
        ("GET", "POST"),
        ({}, {"x": "1"}, {"x": "2"}, {"y": "1"}, {"x": "1", "y": "1"}, {"x": "2", "y": "1"}),
        ({}, {"q": "1"}),
    )
]
HEADERS = st.dictionaries(
    st.sampled_from(["x", "y"]), st.sampled_from([(EXACT, "1"), (EXACT, "2"), (REGEX, ".*")]), max_size=2
)
CONDITIONS = st.builds(
    lambda kind, path, method, headers, query: Condition(
        kind, path, method, _values(headers), (("q", EXACT, "1"),) if query else ()
    ),
    st.sampled_from([EXACT, PREFIX]),
    st.sampled_from(PATHS),
    st.sampled_from(["", "", "GET", "POST"]),
    HEADERS,
    st.booleans(),
)
RULES = st.lists(st.lists(CONDITIONS, min_size=1, max_size=2), min_size=2, max_size=4)


def _values(headers: dict[str, tuple[str, str]]) -> tuple[Value, ...]:
    return tuple(sorted((name, kind, value) for name, (kind, value) in headers.items()))


def _meets(one: Condition, request: Request) -> bool:
    path, method, headers, query = request
    on_path = path == one.path if one.kind == EXACT else f"{path}/".startswith(f"{one.path.rstrip('/')}/")
    return (
        on_path
        and one.method in ("", method)
        and all(name in headers and (kind == REGEX or headers[name] == value) for name, kind, value in one.headers)
        and all(query.get(name) == value for name, _, value in one.query)
    )


def _first(rules: list[list[Condition]], request: Request) -> int | None:
    return next((at for at, rule in enumerate(rules) if any(_meets(one, request) for one in rule)), None)


def _rank(one: Condition) -> tuple[int, ...]:
    """As the API has it: exact, longest prefix, method, headers, query parameters."""
    return (one.kind == EXACT, len(one.path), bool(one.method), len(one.headers), len(one.query))


def _highest(rules: tuple[tuple[Condition, ...], ...], request: Request) -> set[int]:
    """The rules with the highest condition that a request meets."""
    found = [(_rank(one), at) for at, rule in enumerate(rules) for one in rule if _meets(one, request)]
    best = max((rank for rank, _ in found), default=None)
    return {at for rank, at in found if rank == best}


@settings(max_examples=300, deadline=None)
@cases(RULES)
def test_in_one_object_the_first_of_the_highest_is_ours(rules: list[list[Condition]]) -> None:
    made = in_order(rules)
    assert made.unsure == ()
    for request in REQUESTS:
        highest = _highest(made.rules, request)
        assert (min(highest) if highest else None) == _first(rules, request)


@settings(max_examples=300, deadline=None)
@cases(RULES)
def test_in_several_objects_the_highest_is_ours_alone(rules: list[list[Condition]]) -> None:
    try:
        made = in_order(rules, apart=True)
    except TooMany:
        assume(False)
    for request in REQUESTS:
        wanted = _first(rules, request)
        assert _highest(made.rules, request) == (set() if wanted is None else {wanted})


def test_the_order_would_be_wrong_without_the_conditions() -> None:
    """The test can fail: a header before a method is not how the API sees it."""
    header, method = Condition(headers=(("x", EXACT, "1"),)), Condition(method="GET")
    rules = ((header,), (method,))
    request: Request = ("/", "GET", {"x": "1"}, {})
    assert _highest(rules, request) == {1}
    assert _highest(in_order(rules).rules, request) == {0}
