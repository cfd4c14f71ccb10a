"""Endpoints as callers in different places see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from reconciler.adapters.envoy.localities import grouped
from reconciler.model.destinations import Endpoint

EU, US = {"region": "eu"}, {"region": "us"}
EU_A, EU_B = EU | {"zone": "a"}, EU | {"zone": "b"}
PLACES = ("eu/a/1", "eu/a/2", "eu/b/1", "us/a/1", "")


def seen(asked: Mapping[str, Any], home: str, places: Sequence[str] = PLACES) -> list[tuple[int, str, int]]:
    endpoints = [Endpoint(f"127.0.0.{number}", locality=place) for number, place in enumerate(places)]
    return [(one.priority, one.locality, one.weight) for one in grouped(endpoints, asked, home)]


@pytest.mark.parametrize("asked", [{}, {"prefer": "None"}, {"failover": [{"from": US, "to": [EU]}]}])
def test_nobody_is_preferred_where_nobody_asks(asked: Mapping[str, Any]) -> None:
    assert {priority for priority, _, _ in seen(asked, "eu/a/1")} == {0}


def test_the_nearest_come_first() -> None:
    found = {place: priority for priority, place, _ in seen({"prefer": "Local"}, "eu/a/1")}
    assert found == {"eu/a/1": 0, "eu/a/2": 1, "eu/b/1": 2, "us/a/1": 3, "": 3}


def test_priorities_have_no_holes() -> None:
    assert [priority for priority, _, _ in seen({"prefer": "Local"}, "eu/a/1", ("eu/b/1", "us/a/1"))] == [0, 1]


def test_a_caller_goes_where_its_narrowest_place_says() -> None:
    steps = [{"from": EU, "to": [US]}, {"from": EU_A, "to": [EU_B, US]}]
    found = {place: priority for priority, place, _ in seen({"failover": steps}, "eu/a/1")}
    assert found == {"eu/a/1": 0, "eu/a/2": 0, "eu/b/1": 1, "us/a/1": 2, "": 3}


def test_shares_are_of_places_however_many_endpoints_lie_there() -> None:
    shares = [{"from": EU, "to": [{"locality": EU_A, "weight": 3}, {"locality": US, "weight": 1}]}]
    found = {place: weight for _, place, weight in seen({"distribute": shares}, "eu/b/1")}
    assert found["eu/a/1"] + found["eu/a/2"] == 3 * found["us/a/1"]
    assert set(found) == {"eu/a/1", "eu/a/2", "us/a/1"}


def test_others_are_next_where_shares_and_steps_are_asked() -> None:
    shares = [{"from": EU, "to": [{"locality": EU_A, "weight": 1}]}]
    found = seen({"distribute": shares, "failover": [{"from": EU, "to": [US]}]}, "eu/a/1")
    assert [(priority, place) for priority, place, _ in found if place in ("eu/a/1", "us/a/1")] == [
        (0, "eu/a/1"),
        (2, "us/a/1"),
    ]


def test_parts_of_a_destination_are_called_in_order() -> None:
    endpoints = [
        Endpoint("127.0.0.1", labels={"version": "v2"}),
        Endpoint("127.0.0.2", labels={"version": "v1"}),
        Endpoint("127.0.0.3", labels={}),
    ]
    groups = grouped(endpoints, {"order": [["version=v1"], ["version=v2"]]}, "")
    assert [[one.address for one in group.endpoints] for group in groups] == [["127.0.0.2"], ["127.0.0.1", "127.0.0.3"]]
