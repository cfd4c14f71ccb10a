"""Live objects: the form in which they are compared, their health, and what they take for themselves."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.adapters.base import Health, HealthState
from reconciler.adapters.istio import ADAPTER
from reconciler.model.canonical import equal


def route(**http: Any) -> dict[str, Any]:
    return {"kind": "VirtualService", "metadata": {"name": "a", "namespace": "shop"}, "spec": {"http": [http]}}


def destination(policy: dict[str, Any]) -> dict[str, Any]:
    subset = {"name": "v1", "trafficPolicy": policy}
    return {"kind": "DestinationRule", "spec": {"trafficPolicy": policy, "subsets": [subset]}}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (route(timeout="5s"), route(timeout="5.0s")),
        (route(timeout="1m"), route(timeout="60s")),
        (route(retries={"perTryTimeout": "250ms"}), route(retries={"perTryTimeout": "0.25s"})),
        (route(fault={"delay": {"fixedDelay": "1h"}}), route(fault={"delay": {"fixedDelay": "60m"}})),
        (route(corsPolicy={"maxAge": "24h"}), route(corsPolicy={"maxAge": "86400s"})),
        (
            destination({"outlierDetection": {"interval": "1m", "baseEjectionTime": "30s"}}),
            destination({"outlierDetection": {"interval": "60s", "baseEjectionTime": "30.000s"}}),
        ),
        (
            destination({"connectionPool": {"tcp": {"tcpKeepalive": {"time": "2h"}}}}),
            destination({"connectionPool": {"tcp": {"tcpKeepalive": {"time": "7200s"}}}}),
        ),
    ],
)
def test_one_length_of_time_has_one_form(left: dict[str, Any], right: dict[str, Any]) -> None:
    before = copy.deepcopy(left)
    assert equal(ADAPTER.normalize(left), ADAPTER.normalize(right))
    assert equal(ADAPTER.normalize(ADAPTER.normalize(left)), ADAPTER.normalize(left))
    assert left == before


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (route(timeout="5s"), route(timeout="6s")),
        (
            route(headers={"request": {"set": {"timeout": "5s"}}}),
            route(headers={"request": {"set": {"timeout": "5.0s"}}}),
        ),
        (route(name="60s"), route(name="1m")),
        (route(timeout="5s"), route()),
        (route(timeout=""), route()),
    ],
)
def test_what_differs_still_differs(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert not equal(ADAPTER.normalize(left), ADAPTER.normalize(right))


@pytest.mark.parametrize("body", [{}, {"kind": "VirtualService"}, route(timeout=5), {"kind": "Gateway", "spec": []}])
def test_odd_bodies_stay_as_they_are(body: dict[str, Any]) -> None:
    assert ADAPTER.normalize(body) == body


def with_status(generation: int | None = None, **status: Any) -> dict[str, Any]:
    metadata = {} if generation is None else {"generation": generation}
    return {"kind": "VirtualService", "metadata": metadata, "status": status}


ERROR = {"level": "ERROR", "type": {"code": "IST0101", "name": "ReferencedResourceNotFound"}, "documentationUrl": "u"}


@pytest.mark.parametrize(
    ("body", "state", "words"),
    [
        ({}, HealthState.HEALTHY, ""),
        (with_status(3), HealthState.HEALTHY, ""),
        (with_status(3, observedGeneration="3"), HealthState.HEALTHY, ""),
        (with_status(3, observedGeneration=2), HealthState.PROGRESSING, "generation 3 is not seen"),
        (with_status(validationMessages=[ERROR]), HealthState.DEGRADED, "IST0101 ReferencedResourceNotFound u"),
        (with_status(validationMessages=[{**ERROR, "level": "WARNING"}]), HealthState.HEALTHY, ""),
        (
            with_status(conditions=[{"type": "Reconciled", "status": "False", "message": "2/3 proxies up to date."}]),
            HealthState.PROGRESSING,
            "Reconciled: 2/3 proxies up to date.",
        ),
        (with_status(conditions=[{"type": "Reconciled", "status": "True"}]), HealthState.HEALTHY, ""),
        (
            with_status(conditions=[{"type": "Accepted", "status": "False", "reason": "Invalid"}]),
            HealthState.DEGRADED,
            "Accepted: Invalid",
        ),
        (
            with_status(2, conditions=[{"type": "Accepted", "status": "False", "observedGeneration": "1"}]),
            HealthState.HEALTHY,
            "",
        ),
    ],
)
def test_health(body: dict[str, Any], state: HealthState, words: str) -> None:
    found = ADAPTER.health(body)
    assert isinstance(found, Health)
    assert found.state is state
    assert words in found.message


def virtual_service(*hosts: str, gateways: list[str] | None = None, namespace: str = "shop") -> dict[str, Any]:
    spec: dict[str, Any] = {"hosts": list(hosts)} | ({} if gateways is None else {"gateways": gateways})
    return {"kind": "VirtualService", "metadata": {"name": "x", "namespace": namespace}, "spec": spec}


OURS = virtual_service("reviews.shop.svc.cluster.local")


@pytest.mark.parametrize(
    "foreign",
    [
        virtual_service("reviews"),
        virtual_service("reviews.shop.svc.cluster.local", namespace="elsewhere"),
        virtual_service("Reviews.shop.svc.mesh.example.", "other.example"),
        virtual_service("reviews.shop.svc", gateways=["public", "mesh"]),
        virtual_service("reviews", gateways=[]),
    ],
)
def test_a_second_route_for_one_host_is_seen(foreign: dict[str, Any]) -> None:
    assert set(ADAPTER.claims(OURS)) & set(ADAPTER.claims(foreign))


@pytest.mark.parametrize(
    "foreign",
    [
        virtual_service("reviews", namespace="elsewhere"),
        virtual_service("reviews", gateways=["public"]),
        virtual_service("*.shop.svc.cluster.local"),
        virtual_service("*"),
        {"kind": "DestinationRule", "metadata": {"namespace": "shop"}, "spec": {"host": "reviews"}},
        {},
    ],
)
def test_what_the_mesh_keeps_apart_is_not_in_the_way(foreign: dict[str, Any]) -> None:
    assert not set(ADAPTER.claims(OURS)) & set(ADAPTER.claims(foreign))


def rule(host: str, *subsets: str, namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    spec = {"host": host, "subsets": [{"name": name} for name in subsets], **spec}
    return {"kind": "DestinationRule", "metadata": {"namespace": namespace}, "spec": spec}


SETTINGS = {"trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}}
OUR_RULE = rule("reviews.shop.svc.cluster.local", "v1", **SETTINGS)


@pytest.mark.parametrize("foreign", [rule("reviews", "v1"), rule("reviews", "v2", **SETTINGS)])
def test_settings_and_subsets_of_a_host_are_taken_once(foreign: dict[str, Any]) -> None:
    assert set(ADAPTER.claims(OUR_RULE)) & set(ADAPTER.claims(foreign))


@pytest.mark.parametrize(
    "foreign",
    [
        rule("reviews", "v2"),
        rule("ratings", "v1", **SETTINGS),
        rule("reviews.shop.svc.cluster.local", "v1", namespace="batch", **SETTINGS),
        rule("reviews", "v1", workloadSelector={"matchLabels": {"app": "a"}}, **SETTINGS),
    ],
)
def test_rules_that_the_mesh_joins_or_keeps_apart(foreign: dict[str, Any]) -> None:
    assert not set(ADAPTER.claims(OUR_RULE)) & set(ADAPTER.claims(foreign))


def peer(namespace: str, **labels: str) -> dict[str, Any]:
    spec = {"selector": {"matchLabels": labels}} if labels else {}
    return {"kind": "PeerAuthentication", "metadata": {"namespace": namespace}, "spec": spec}


def test_of_two_modes_for_the_same_workloads_the_mesh_takes_one() -> None:
    assert ADAPTER.claims(peer("root")) == ADAPTER.claims(peer("root"))
    assert ADAPTER.claims(peer("shop", b="2", a="1")) == ADAPTER.claims(peer("shop", a="1", b="2"))
    assert len({ADAPTER.claims(body) for body in (peer("root"), peer("shop"), peer("shop", a="1"))}) == 3


def test_claims_of_what_no_api_server_would_let_in_are_none() -> None:
    for spec in ({"hosts": 5}, {"hosts": "a", "gateways": 7}, {"hosts": None}):
        body = {"kind": "VirtualService", "metadata": {"namespace": "shop"}, "spec": spec}
        assert ADAPTER.claims(body) == ()
