"""Reading live objects of Gateway API: health from what implementations say, and what an object takes for itself."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adapters.base import HealthState
from reconciler.adapters.gateway_api import ADAPTER


def route(*conditions: dict[str, Any], generation: int = 2) -> dict[str, Any]:
    status = {"parents": [{"conditions": list(conditions)}]} if conditions else {}
    return {"kind": "HTTPRoute", "metadata": {"namespace": "shop", "generation": generation}, "status": status}


def said(kind: str, status: str, seen: int = 2, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "observedGeneration": seen, **more}


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        (route(), HealthState.HEALTHY, ""),
        (route(said("Accepted", "True"), said("ResolvedRefs", "True")), HealthState.HEALTHY, ""),
        (
            route(
                said("Accepted", "True"),
                said("ResolvedRefs", "False", message="no Service b", reason="BackendNotFound"),
            ),
            HealthState.DEGRADED,
            "ResolvedRefs: no Service b",
        ),
        (route(said("Accepted", "False", reason="Conflicted")), HealthState.DEGRADED, "Accepted: Conflicted"),
        (route(said("Accepted", "False", 1)), HealthState.PROGRESSING, "Accepted: generation 2 is not seen yet"),
        (route(said("Accepted", "False", reason="Pending")), HealthState.PROGRESSING, "Accepted: Pending"),
        (route(said("PartiallyInvalid", "False")), HealthState.HEALTHY, ""),
    ],
)
def test_health(body: dict[str, Any], state: HealthState, words: str) -> None:
    found = ADAPTER.health(body)
    assert (found.state, found.message) == (state, words)


def test_a_gateway_says_it_of_itself() -> None:
    body = {
        "kind": "Gateway",
        "metadata": {"generation": 1},
        "status": {"conditions": [said("Programmed", "False", 1)]},
    }
    assert ADAPTER.health(body).state is HealthState.DEGRADED


@pytest.mark.parametrize(
    ("parent", "claims"),
    [
        ({"group": "", "kind": "Service", "name": "a"}, ("calls of Service shop/a by all callers",)),
        ({"group": "core", "kind": "Service", "name": "a", "port": 80}, ("calls of Service shop/a by all callers",)),
        (
            {"group": "", "kind": "Service", "name": "a", "namespace": "other"},
            ("calls of Service other/a by callers in shop",),
        ),
        ({"name": "front", "sectionName": "http"}, ("host a.example at Gateway shop/front http",)),
        ({"kind": "ListenerSet", "name": "a"}, ()),
    ],
)
def test_what_a_route_takes(parent: dict[str, Any], claims: tuple[str, ...]) -> None:
    body = {
        "kind": "HTTPRoute",
        "metadata": {"namespace": "shop"},
        "spec": {"parentRefs": [parent], "hostnames": ["a.example"]},
    }
    assert ADAPTER.claims(body) == claims


def test_other_kinds_take_nothing() -> None:
    assert (
        ADAPTER.claims({"kind": "Service", "spec": {"parentRefs": [{"kind": "Service", "group": "", "name": "a"}]}})
        == ()
    )
