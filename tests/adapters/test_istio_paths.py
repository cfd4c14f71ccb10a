"""What the emitted matches and rewrites mean, by small evaluators of the mesh's own rules, on many paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from reconciler.adapters.istio import ADAPTER
from tests.adapters import given

PIECES = ("", "/", "/api", "/apis", "/API", "/x", "/api.v1", "api")
PATHS = sorted({"".join(parts) for parts in product(PIECES, repeat=3) if "".join(parts).startswith("/")})


def neutral(path: Mapping[str, Any], value: str) -> bool:
    """The meaning that docs/api.md gives to a path match."""
    if path.get("ignoreCase"):
        return neutral({kind: str(text).lower() for kind, text in path.items() if kind != "ignoreCase"}, value.lower())
    match path:
        case {"exact": text}:
            return value == text
        case {"prefix": text}:
            elements = text.rstrip("/")
            return value == elements or value.startswith(f"{elements}/")
        case {"stringPrefix": text}:
            return value.startswith(text)
        case {"suffix": text}:
            return value.endswith(text)
        case _:
            return re.fullmatch(path["regex"], value) is not None


def uri_matches(entry: Mapping[str, Any], value: str) -> bool:
    """How a VirtualService reads ``uri``: ignoring case has no effect on a regex, which matches the whole path."""
    (kind, text), ignore = next(iter(entry["uri"].items())), entry.get("ignoreUriCase", False)
    if kind == "regex":
        return re.fullmatch(text, value) is not None
    value, text = (value.lower(), text.lower()) if ignore else (value, text)
    return value == text if kind == "exact" else value.startswith(text)


def access_matches(pattern: str, value: str) -> bool:
    """How an AuthorizationPolicy reads a value."""
    if pattern == "*":
        return bool(value)
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


def route(match: list[Mapping[str, Any]], rule: Mapping[str, Any]) -> Mapping[str, Any]:
    intent = given.intent({"hosts": {"a.shop": {"routes": [{"match": match, "rule": rule}]}}})
    objects = [native for built in ADAPTER.build(intent) for native in built.objects]
    assert len(objects) == 1
    http: Mapping[str, Any] = objects[0].body["spec"]["http"][0]
    return http


MATCHES: list[dict[str, Any]] = [
    {"exact": "/api"},
    {"exact": "/api/x"},
    {"prefix": "/api"},
    {"prefix": "/api/"},
    {"prefix": "/"},
    {"prefix": "/api.v1/x"},
    {"stringPrefix": "/api"},
    {"suffix": "/x"},
    {"suffix": ".v1"},
]
TRAFFIC_ONLY: list[dict[str, Any]] = [
    {"regex": "/api/.+"},
    {"prefix": "/api", "ignoreCase": True},
    {"exact": "/Api", "ignoreCase": True},
    {"suffix": "/API", "ignoreCase": True},
]


@pytest.mark.parametrize("path", [*MATCHES, *TRAFFIC_ONLY], ids=str)
def test_a_route_takes_exactly_the_paths_that_were_asked(path: dict[str, Any]) -> None:
    entries = route([{"path": path}], {})["match"]
    for value in PATHS:
        assert any(uri_matches(entry, value) for entry in entries) == neutral(path, value), value


@pytest.mark.parametrize("path", MATCHES, ids=str)
def test_an_access_rule_takes_exactly_the_paths_that_were_asked(path: dict[str, Any]) -> None:
    intent = given.intent({"access": [{"service": "a.shop", "match": [{"path": path}]}]})
    (native,) = [native for built in ADAPTER.build(intent) for native in built.objects]
    patterns = native.body["spec"]["rules"][0]["to"][0]["operation"]["paths"]
    for value in PATHS:
        assert any(access_matches(pattern, value) for pattern in patterns) == neutral(path, value), value


@pytest.mark.parametrize(
    ("match", "target", "before", "after"),
    [
        ({"prefix": "/api"}, "/v2", "/api", "/v2"),
        ({"prefix": "/api"}, "/v2", "/api/", "/v2/"),
        ({"prefix": "/api"}, "/v2", "/api/api/x", "/v2/api/x"),
        ({"prefix": "/api"}, "/v2/", "/api/x", "/v2/x"),
        ({"prefix": "/api/"}, "/v2", "/api/x", "/v2/x"),
        ({"prefix": "/api"}, "/", "/api", "/"),
        ({"prefix": "/api"}, "/", "/api/", "/"),
        ({"prefix": "/api"}, "/", "/api/x/y", "/x/y"),
        ({"prefix": "/"}, "/v2", "/x", "/v2/x"),
        ({"prefix": "/"}, "/v2", "/", "/v2/"),
        ({"prefix": "/"}, "/", "/x", "/x"),
        ({"prefix": "/a.b"}, "/v2", "/a.b/c", "/v2/c"),
        ({"prefix": "/Api", "ignoreCase": True}, "/v2", "/aPI/X", "/v2/X"),
        ({"exact": "/api"}, "/v2", "/api", "/v2"),
        ({"stringPrefix": "/api"}, "/v2", "/apis/x", "/v2s/x"),
        ({"stringPrefix": "/api"}, "/", "/api/x", "/x"),
        ({"stringPrefix": "/api/"}, "/v2/", "/api/x", "/v2/x"),
        ({"prefix": "/api"}, r"/a\1b", "/api/x", r"/a\1b/x"),
        (None, "/v2", "/x", "/v2/x"),
    ],
)
def test_a_prefix_is_rewritten(match: dict[str, Any] | None, target: str, before: str, after: str) -> None:
    made = route([{"path": match}] if match else [], {"rewrite": {"prefix": target}})
    regex = made["rewrite"]["uriRegexRewrite"]
    assert match is None or any(uri_matches(entry, before) for entry in made["match"])
    assert re.sub(regex["match"], regex["rewrite"], before) == after


def test_of_several_prefixes_the_one_that_fits_is_rewritten() -> None:
    paths = [{"path": {"prefix": "/a"}}, {"path": {"prefix": "/a/b"}}, {"path": {"prefix": "/ab"}}]
    regex = route(paths, {"rewrite": {"prefix": "/n"}})["rewrite"]["uriRegexRewrite"]
    for before, after in (("/a", "/n"), ("/a/c", "/n/c"), ("/a/b/c", "/n/c"), ("/ab/c", "/n/c"), ("/ab", "/n")):
        assert re.sub(regex["match"], regex["rewrite"], before) == after


@pytest.mark.parametrize("before", ["/", "/old", "/old/x/y", "/old//"])
def test_a_whole_path_is_rewritten_once(before: str) -> None:
    regex = route([{"path": {"stringPrefix": "/"}}], {"rewrite": {"path": r"/n\w"}})["rewrite"]["uriRegexRewrite"]
    assert re.sub(regex["match"], regex["rewrite"], before) == r"/n\w"
