"""Which way the mesh serves a service, and what its claims are in each of them."""

from __future__ import annotations

import pytest

from reconciler.adapters.base import Level
from reconciler.adapters.istio import ADAPTER
from reconciler.model.facts import ClusterFacts, MeshFacts, ServiceFacts, WaypointFacts, WorkloadFacts
from reconciler.model.refs import ServiceRef

REVIEWS = ServiceRef("reviews", "shop", "eu")
CLUSTER = ClusterFacts(
    "eu",
    services=(ServiceFacts(REVIEWS, selector={"app": "reviews"}),),
    workloads=(
        WorkloadFacts("Deployment", "shop", "v1", {"app": "reviews"}),
        WorkloadFacts("Deployment", "shop", "v2", {"app": "reviews"}),
    ),
)
AMBIENT = {"enrolled_namespaces": ("shop",), "profiles": {"shop": "ambient"}}
WAYPOINT = {"waypoints": (WaypointFacts("w", "shop"),), "waypoint_refs": {"shop/": "shop/w"}}


def profile(service: ServiceRef | None = REVIEWS, **facts: object) -> str:
    mesh = MeshFacts("istio", "istio-system", **facts)  # type: ignore[arg-type]
    return ADAPTER.profile(mesh, CLUSTER, service)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ""),
        ({"enrolled_namespaces": ("shop",), **WAYPOINT}, ""),  # pods with proxies of their own need no waypoint
        (AMBIENT, "ambient-l4"),
        (AMBIENT | WAYPOINT, "ambient"),
        (AMBIENT | {"waypoint_refs": {"shop/": "shop/gone"}}, "ambient-l4"),
        (AMBIENT | WAYPOINT | {"waypoint_refs": {"shop/": "shop/w", "shop/reviews": ""}}, "ambient-l4"),
        (AMBIENT | WAYPOINT | {"waypoints": (WaypointFacts("w", "shop", "workload"),)}, "ambient-l4"),
        (AMBIENT | {"workload_profiles": {"shop/Deployment/v1": "", "shop/Deployment/v2": ""}}, ""),
        (AMBIENT | {"workload_profiles": {"shop/Deployment/v1": "none"}}, "ambient-l4"),
        ({"workload_profiles": {"shop/Deployment/v2": "ambient"}}, "ambient-l4"),
    ],
)  # fmt: skip
def test_profile_of_a_service(facts: dict[str, object], expected: str) -> None:
    assert profile(**facts) == expected
    assert profile(None, **facts) == ""


def test_a_host_is_what_its_callers_make_of_it() -> None:
    host = ServiceRef("mail", "istio-system", "eu", "smtp.example.org")
    assert profile(host) == ""
    assert profile(host, **AMBIENT) == "ambient-l4"
    assert profile(host, enrolled_namespaces=("shop", "batch"), profiles={"shop": "ambient"}) == ""


@pytest.mark.parametrize("path", sorted(ADAPTER.capabilities("")))
def test_every_path_is_claimed_in_every_profile(path: str) -> None:
    for one in ADAPTER.profiles:
        claim = ADAPTER.capability(path, one)
        assert claim is not None
        if claim.level is not Level.NONE and one != "":
            assert "EnvoyFilter" not in claim.via
            assert "Sidecar" not in claim.via


def test_sides_and_lacks_of_ambient() -> None:
    claims = ADAPTER.capabilities("ambient")
    assert {one.side for path, one in claims.items() if path.startswith("traffic.") and one.side} == {"server"}
    assert claims["access.scope"].level is Level.NONE
    bare = ADAPTER.capabilities("ambient-l4")
    assert {path for path in bare if path.startswith("traffic.")} == {"traffic.mtls"}
    requires = ADAPTER.capability("traffic.timeout.request", "ambient-l4")
    assert requires is not None
    assert requires.note == "the mesh requires a waypoint that serves the service"
