"""Durations of two policies are compared by what they mean; which fields are durations is what the schemas say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.compile.lengths import LENGTHS
from reconciler.load.schemas import strict_schema
from tests.compile.builders import codes, given, traffic


def _durations(node: Any, defs: dict[str, Any], path: str = "traffic") -> Iterator[str]:
    if node.get("$ref") == "#/$defs/Duration":
        yield path
    elif "$ref" in node:
        yield from _durations(defs[node["$ref"].removeprefix("#/$defs/")], defs, path)
    for branch in node.get("anyOf", ()):
        yield from _durations(branch, defs, path)
    for name, below in node.get("properties", {}).items():
        yield from _durations(below, defs, f"{path}.{name}")
    if "items" in node:
        yield from _durations(node["items"], defs, path)


def test_every_duration_of_a_rule_is_known() -> None:
    defs = strict_schema("TrafficPolicy")["$defs"]
    found = set(_durations(defs["Rule"], defs)) - {"traffic.timeout"}  # the short form of timeout.request
    assert found == LENGTHS


def test_one_length_in_two_spellings_is_no_conflict() -> None:
    first = traffic("a", rule={"traffic.timeout.request": "60s", "traffic.fault.delay": {"duration": "1000ms"}})
    second = traffic("b", rule={"traffic.timeout.request": "1m", "traffic.fault.delay": {"duration": "1s"}})
    one = given(first, second)
    assert codes(one.compiled()) == []
    (route,) = one.host().routes
    assert {origin.ref.name for origin in route.origins} == {"a", "b"}


def test_text_that_only_looks_like_a_length_is_text() -> None:
    first = traffic("a", rule={"traffic.headers.request.set x-age": "60s"})
    second = traffic("b", rule={"traffic.headers.request.set x-age": "1m"})
    assert codes(given(first, second).compiled()) == ["policy-conflict"]
