"""Reading live objects of Consul: what is no difference, what the controller says, what an object takes for itself."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.adapters.consul import ADAPTER
from reconciler.model.health import HealthState

API = "consul.hashicorp.com/v1alpha1"


def body(kind: str, spec: dict[str, Any], name: str = "b", **more: Any) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec, **more}


@pytest.mark.parametrize(
    ("kind", "asked", "live"),
    [
        ("ServiceDefaults", {"protocol": "http"}, {"protocol": "http", "meshGateway": {}, "expose": {"paths": []}}),
        ("ServiceDefaults", {"protocol": "http"}, {"protocol": "http", "externalSNI": "", "transparentProxy": {}}),
        ("ServiceRouter", {"routes": [{"destination": {"requestTimeout": "90s"}}]},
         {"routes": [{"destination": {"requestTimeout": "1m30s", "namespace": "default", "numRetries": None}}]}),
        ("ServiceResolver", {"subsets": {"v1": {"filter": "x"}}},
         {"subsets": {"v1": {"filter": "x", "onlyPassing": False}}, "connectTimeout": ""}),
        ("ServiceSplitter", {"splits": [{"weight": 90, "service": "b"}, {"weight": 10}]},
         {"splits": [{"weight": 90.0, "service": "b"}, {"weight": 10.0}]}),
        ("ServiceIntentions", {"sources": [{"name": "*", "action": "deny"}, {"name": "a", "action": "allow"}]},
         {"sources": [{"name": "a", "action": "allow", "namespace": "default"}, {"name": "*", "action": "deny"}]}),
        ("Mesh", {"transparentProxy": {"meshDestinationsOnly": False}}, {"transparentProxy": {}}),
        ("ProxyDefaults", {"accessLogs": {"enabled": True, "type": "stdout", "path": "", "jsonFormat": ""}},
         {"accessLogs": {"enabled": True, "type": "stdout"}}),
        ("JWTProvider", {"issuer": "i", "locations": [{"header": {"name": "x"}}]},
         {"issuer": "i", "locations": [{"header": {"name": "x", "forward": False}}], "clockSkewSeconds": 30}),
    ],
)  # fmt: skip
def test_what_servers_fill_in_is_no_difference(kind: str, asked: dict[str, Any], live: dict[str, Any]) -> None:
    one, other = ADAPTER.normalize(body(kind, asked)), ADAPTER.normalize(body(kind, live))
    assert one == other
    assert ADAPTER.normalize(one) == one


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("ServiceDefaults", {"protocol": "http"}, {"protocol": "grpc"}),
        ("ServiceSplitter", {"splits": [{"weight": 0}]}, {"splits": [{}]}),
        ("ServiceDefaults", {"upstreamConfig": {"defaults": {"limits": {"maxConnections": 0}}}},
         {"upstreamConfig": {"defaults": {"limits": {}}}}),
        ("ServiceDefaults", {"upstreamConfig": {"overrides": [{"passiveHealthCheck": {"maxEjectionPercent": 0}}]}},
         {"upstreamConfig": {"overrides": [{"passiveHealthCheck": {}}]}}),
        ("ServiceRouter", {"routes": [{"match": 1}, {"match": 2}]}, {"routes": [{"match": 2}, {"match": 1}]}),
        ("ServiceRouter", {"routes": [{"destination": {"requestHeaders": {"set": {"x": ""}}}}]}, {"routes": [{}]}),
        ("ServiceIntentions", {"sources": [{"name": "a", "permissions": [1, 2]}]},
         {"sources": [{"name": "a", "permissions": [2, 1]}]}),
        ("ProxyDefaults", {"config": {"x": False}}, {"config": {}}),
        ("ProxyDefaults", {"accessLogs": {"enabled": True}}, {"accessLogs": {"enabled": True, "textFormat": "x"}}),
        ("ProxyDefaults", {"accessLogs": {"enabled": False}}, {}),
        ("Mesh", {"transparentProxy": {"meshDestinationsOnly": False}},
         {"transparentProxy": {"meshDestinationsOnly": True}}),
    ],
)  # fmt: skip
def test_what_is_a_difference_stays_one(kind: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert ADAPTER.normalize(body(kind, one)) != ADAPTER.normalize(body(kind, other))


def test_objects_of_others_are_left_as_they_are() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}, "spec": {"type": ""}}
    assert ADAPTER.normalize(service) == service
    assert ADAPTER.claims(service) == ()


@pytest.mark.parametrize(
    ("status", "state", "message"),
    [
        ({}, HealthState.HEALTHY, ""),
        ({"conditions": [{"type": "Synced", "status": "True"}]}, HealthState.HEALTHY, ""),
        ({"conditions": [{"type": "Synced", "status": "Unknown"}]}, HealthState.PROGRESSING, "Synced: not synced"),
        ({"conditions": [{"type": "Synced", "status": "False", "reason": "ConsulAgentError",
                          "message": "writing config entry to consul: already exists"}]},
         HealthState.DEGRADED, "Synced: writing config entry to consul: already exists"),
    ],
)  # fmt: skip
def test_health_is_what_the_controller_says(status: dict[str, Any], state: HealthState, message: str) -> None:
    found = ADAPTER.health(body("ServiceRouter", {}, status=status))
    assert (found.state, found.message) == (state, message)


def test_there_is_one_entry_of_a_name_whatever_the_object_is_called() -> None:
    intentions = body("ServiceIntentions", {"destination": {"name": "b"}}, name="readers")
    assert ADAPTER.claims(intentions) == ("the ServiceIntentions of b",)
    elsewhere = {**body("ServiceRouter", {}), "metadata": {"name": "b", "namespace": "test"}}
    assert ADAPTER.claims(elsewhere) == ADAPTER.claims(body("ServiceRouter", {})) == ("the ServiceRouter of b",)


def test_what_live_routes_need_is_kept_until_they_have_moved() -> None:
    filters = {name: {"filter": f"Service.Meta.version == {name}"} for name in ("v1", "v2", "v3")}
    live = body("ServiceResolver", {"subsets": {name: filters[name] for name in ("v1", "v2")}})
    asked = body("ServiceResolver", {"subsets": {name: filters[name] for name in ("v2", "v3")}, "connectTimeout": "1s"})
    between = ADAPTER.bridge(live, asked)
    assert between is not None
    assert between["spec"] == {"connectTimeout": "1s", "subsets": filters}
    assert ADAPTER.bridge(asked, between) is None
    http, tcp = body("ServiceDefaults", {"protocol": "http"}), body("ServiceDefaults", {"protocol": "tcp"})
    between = ADAPTER.bridge(http, tcp)
    assert between is not None
    assert between["spec"] == {"protocol": "http"}
    assert ADAPTER.bridge(tcp, http) is None
    assert ADAPTER.bridge(body("ServiceRouter", {"routes": [1]}), body("ServiceRouter", {})) is None
