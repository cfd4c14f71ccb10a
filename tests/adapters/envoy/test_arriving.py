"""Tokens, limits and servers that are asked, where requests arrive; and what callers know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.intents import MeshIntent
from reconciler.model.reach import EgressIntent, ReachIntent
from tests.adapters import given
from tests.adapters.envoy.arriving import chains, codes, mesh, names, rules, spec

ORIGINS = (given.origin("Mesh", "m"),)
KEYS = '{"keys": []}'


def filters(intent: MeshIntent) -> dict[str, Any]:
    """Of the connection manager of the HTTP port, by name."""
    (manager,) = chains(intent, "a~inbound.80")[0]["filters"]
    return {one["name"]: one for one in manager["typed_config"]["http_filters"]}


def with_tokens(**provider: Any) -> MeshIntent:
    jwt = {"providers": [{"issuer": "https://id", "jwks": KEYS, **provider}]}
    return mesh(access=[{"service": "a.shop", "jwt": jwt}])


def arriving(rule: dict[str, Any], **more: Any) -> MeshIntent:
    return mesh(hosts={"a.shop": {"inbound": [{"rule": rule, **more}]}})


def test_tokens_are_read_at_the_service_that_asks_for_them() -> None:
    intent = with_tokens()
    asked = filters(intent)["reconciler.tokens"]["typed_config"]["providers"]["https://id"]
    assert asked["from_headers"] == [{"name": "authorization", "value_prefix": "Bearer "}]
    (manager,) = chains(intent, "b~inbound.9001")[0]["filters"]
    assert "reconciler.tokens" not in {one["name"] for one in manager["typed_config"]["http_filters"]}


def test_a_required_token_is_asked_of_every_request() -> None:
    (permission,) = rules(with_tokens(), "allow")["policies"]["default/p"]["permissions"]
    assert permission["metadata"]["path"] == [{"key": "https://id"}, {"key": "iss"}]


def test_keys_are_fetched_from_the_one_whose_certificate_is_for_that_host() -> None:
    intent = with_tokens(jwks="", jwks_uri="https://id.example.org/keys")
    cluster = spec(intent, "Cluster", "a~inbound.80.keys.id.example.org.443")
    context = cluster["transport_socket"]["typed_config"]
    validation = context["common_tls_context"]["validation_context"]
    assert context["sni"] == "id.example.org"
    assert validation["match_typed_subject_alt_names"] == [{"san_type": "DNS", "matcher": {"exact": "id.example.org"}}]
    assert validation["trusted_ca"]


@pytest.mark.parametrize(
    "provider", [{"jwks": ""}, {"jwks": "", "jwks_uri": "ftp://x/keys"}, {"from": [{"cookie": "a"}], "forward": False}]
)
def test_tokens_that_cannot_be_taken_as_asked(provider: dict[str, Any]) -> None:
    intent = with_tokens(**provider)
    assert len(codes(intent, "error")) == 1
    assert "a~inbound.80~a.shop" not in names(intent, "VirtualHost")


def test_two_ways_to_take_tokens_of_one_issuer() -> None:
    tokens = [{"providers": [{"issuer": "i", "jwks": KEYS, "audiences": [one]}]} for one in ("x", "y")]
    access = [{"service": "a.shop", "policy": str(number), "jwt": jwt} for number, jwt in enumerate(tokens)]
    assert codes(mesh(access=access), "error") == ["tokens-differ"]


def test_claims_of_tokens_that_nothing_verifies() -> None:
    access = {"service": "a.shop", "match": [{"jwtClaims": [{"name": ["a"], "values": ["b"]}]}]}
    intent = mesh(access=[access])
    (permission,) = rules(intent, "allow")["policies"]["default/p"]["permissions"]
    assert permission == {"not_rule": {"any": True}}
    assert "tokens-unverified" in codes(intent, "warning")


def test_one_limit_of_several_routes_is_one_bucket() -> None:
    limit = {"rateLimit": {"local": {"requests": 10, "unit": "Second", "burst": 4}}}
    routes = [{"match": [{"path": {"exact": "/x"}}], "rule": limit}, {"rule": limit}]
    host = spec(mesh(hosts={"a.shop": {"inbound": routes}}), "VirtualHost", "a~inbound.80~a.shop")
    (bucket,) = host["typed_per_filter_config"]["reconciler.local_limit"]["descriptors"]
    assert bucket["token_bucket"] == {"max_tokens": 4, "tokens_per_fill": 4, "fill_interval": "0.4s"}
    assert [len(route["route"].get("rate_limits", ())) for route in host["routes"]] == [1, 1, 0]


def test_a_limit_that_would_be_refilled_too_often() -> None:
    rule = {"rateLimit": {"local": {"requests": 1000, "unit": "Second", "burst": 1}}}
    assert codes(arriving(rule), "error") == ["mesh-invalid-value"]


def test_requests_do_not_go_on_without_the_server_that_is_to_decide() -> None:
    """Connections that are older than its filter are refused, not let by."""
    intent = arriving({"extAuth": {"server": "b.shop:9000"}})
    asked = filters(intent)["reconciler.ext_auth.default.p"]
    assert asked["disabled"] is True
    assert asked["typed_config"]["failure_mode_allow"] is False
    route = spec(intent, "VirtualHost", "a~inbound.80~a.shop")["routes"][0]
    gate = route["typed_per_filter_config"]["reconciler.gate"]["rbac"]["rules"]
    assert gate["action"] == "ALLOW"
    (permission,) = gate["policies"]["guarded"]["permissions"]
    told = filters(intent)["reconciler.passed"]["typed_config"]["metadata"][0]
    assert permission["metadata"]["filter"] == told["metadata_namespace"]
    assert permission["metadata"]["path"] == [{"key": one} for one in told["value"]]
    order = list(filters(intent))
    assert (
        order.index("reconciler.allow") < order.index("reconciler.ext_auth.default.p") < order.index("reconciler.gate")
    )


def test_requests_go_on_without_a_server_that_may_fail() -> None:
    route = spec(
        arriving({"extAuth": {"server": "b.shop:9000", "failOpen": True}}), "VirtualHost", "a~inbound.80~a.shop"
    )
    assert "reconciler.gate" not in route["routes"][0]["typed_per_filter_config"]


@pytest.mark.parametrize(
    ("server", "code"),
    [("else.where:1", "mesh-inexpressible"), ("b.shop:1", "port-unknown"), ("b.shop:9001", "server-protocol")],
)
def test_a_server_that_cannot_be_asked(server: str, code: str) -> None:
    """Nothing is written that would be without it."""
    intent = arriving({"extAuth": {"server": server}})
    assert code in codes(intent, "error") + codes(intent, "warning")
    if code != "server-protocol":
        assert "a~inbound.80" not in names(intent, "Listener")


def test_callers_cannot_be_told_by_their_workloads_where_requests_arrive() -> None:
    intent = arriving({"csrf": {}}, **{"from": [{"namespace": "x"}]})
    assert codes(intent, "error") == ["mesh-inexpressible"]


def test_origins_are_compared_without_their_scheme() -> None:
    assert codes(arriving({"csrf": {"origins": [{"regex": "x.*"}]}}), "error") == ["mesh-inexpressible"]


def test_a_caller_of_whom_a_scope_speaks_knows_no_more() -> None:
    services = {
        "a.shop": {"selector": {"app": "a"}, "ports": [{"number": 80, "name": "http"}]},
        "b.other": {"selector": {"app": "b"}, "ports": [{"number": 80, "name": "http"}]},
        "c.other": {"selector": {"app": "c"}, "ports": [{"number": 80, "name": "http"}]},
    }
    endpoints = {name: [{"address": f"10.0.1.{at}", "name": name[0]}] for at, name in enumerate(services)}
    intent = mesh(cluster={"services": services}, endpoints=endpoints)
    told = replace(intent, reaches=(ReachIntent("shop", (), (given.service("b.other"),), ORIGINS),))
    known = {name for name in names(told, "Cluster") if name.startswith("a~")}
    assert known == {"a~inbound.80", "a~a.shop.80", "a~b.other.80"}
    assert "a~outbound~c.other.80" not in names(told, "VirtualHost")
    assert "b~c.other.80" in names(told, "Cluster")


def test_nobody_gets_out_unless_somebody_says_so() -> None:
    closed = spec(mesh(), "VirtualHost", "a~outbound~unknown")["routes"]
    refused = spec(replace(mesh(), egress=EgressIntent("RegistryOnly", ORIGINS)), "VirtualHost", "a~outbound~unknown")
    opened = replace(mesh(), egress=EgressIntent("AllowAny", ORIGINS))
    assert closed[0]["direct_response"]["status"] == 502
    assert refused["routes"] == closed
    assert spec(opened, "VirtualHost", "a~outbound~unknown")["routes"][0]["route"]["cluster"] == "unknown.anywhere"
    assert "a~unknown.anywhere" in names(opened, "Cluster")
