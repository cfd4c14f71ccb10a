"""What callers are told: what cannot be said, what cancels what, and where the proxy has an own mind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.adapters import registry
from reconciler.model.findings import Finding
from tests.adapters import given

MESH = "envoy"
HTTP = {"ports": [{"number": 80, "name": "http"}, {"number": 81, "name": "http-admin"}]}
TCP = {"ports": [{"number": 5432, "name": "tcp"}]}


def form(services: Mapping[str, Any] | None = None, **said: Any) -> dict[str, Any]:
    return {"cluster": {"services": services or {"a.shop": HTTP, "b.shop": HTTP}}, **said}


def asked(route: Mapping[str, Any], **host: Any) -> dict[str, Any]:
    return form(hosts={"a.shop": {"routes": [route], **host}})


def made(said: Mapping[str, Any], kind: str, name: str) -> Any:
    """``spec`` of one object."""
    objects = [one.body for built in registry.load_all()[MESH].build(given.intent(said, MESH)) for one in built.objects]
    (found,) = (one["spec"] for one in objects if one["kind"] == kind and one["metadata"]["name"] == name)
    return found


def found(said: Mapping[str, Any]) -> list[Finding]:
    return [one for built in registry.load_all()[MESH].build(given.intent(said, MESH)) for one in built.findings]


def routes(said: Mapping[str, Any], port: int = 80) -> Any:
    return made(said, "VirtualHost", f"one~outbound~a.shop.{port}")["routes"]


def cluster(said: Mapping[str, Any], name: str = "a.shop.80") -> Any:
    return made(said, "Cluster", f"one~{name}")


@pytest.mark.parametrize(
    ("route", "code"),
    [
        ({"to": [{"weight": 0}, {"service": "b.shop", "weight": 0}]}, "mesh-invalid-value"),
        ({"to": [{"subset": "v9"}]}, "subset-unknown"),
        ({"to": [{"service": "b.shop", "port": 99}]}, "port-needed"),
        ({"match": [{"ports": ["http-other"]}]}, "mesh-inexpressible"),
        ({"match": [{"path": {"regex": "/a.*"}}], "rule": {"rewrite": {"prefix": "/b"}}}, "mesh-inexpressible"),
        ({"match": [{"query": [{"name": "q", "regex": "a", "invert": True}]}]}, "mesh-inexpressible"),
        ({"match": [{"headers": [{"name": "x", "exact": "", "invert": True}]}]}, "mesh-inexpressible"),
        ({"rule": {"headers": {"response": {"set": {":status": "1"}}}}}, "mesh-invalid-value"),
        ({"rule": {"headers": {"request": {"remove": ["host"]}}}}, "mesh-invalid-value"),
        ({"rule": {"rewrite": {"host": "a"}, "headers": {"request": {"set": {"Host": "b"}}}}}, "mesh-invalid-value"),
        ({"rule": {"respond": {"status": 200, "body": "x" * 4097}}}, "mesh-invalid-value"),
        ({"rule": {"respond": {"status": 200}, "timeout": {"request": "1s"}}}, "answer-without-destination"),
        ({"rule": {"redirect": {"code": 302}}}, "mesh-inexpressible"),
        ({"rule": {"retries": {"on": ["when-i-say"]}}}, "mesh-invalid-value"),
        ({"rule": {"retries": {"backoff": {"base": "2s", "max": "1s"}}}}, "mesh-invalid-value"),
        ({"rule": {"fault": {"bandwidth": {"limit": "8kbps"}}}}, "mesh-invalid-value"),
        ({"rule": {"cors": {"origins": ["https://a"], "maxAge": "500ms"}}}, "mesh-invalid-value"),
    ],
)
def test_what_the_proxy_would_refuse_is_an_error_of_the_service(route: dict[str, Any], code: str) -> None:
    findings = found(asked(route))
    assert [one.code for one in findings if one.severity == "error"] == [code]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"loadBalancing": {"policy": "Maglev"}}, "hash-key"),
        ({"loadBalancing": {"subsetStickiness": True}}, "hash-key"),
        ({"loadBalancing": {"policy": "Random", "hash": {"header": "x"}}}, "mesh-invalid-value"),
        ({"loadBalancing": {"policy": "Passthrough"}}, "mesh-invalid-value"),
        ({"healthCheck": {"protocol": "GRPC"}}, "mesh-inexpressible"),
        ({"tls": {"mode": "Mutual", "clientCertRef": "c"}}, "mesh-inexpressible"),
        ({"connections": {"tcp": {"keepalive": {"time": "1500ms"}}}}, "mesh-invalid-value"),
        ({"retries": {"budget": {"ttl": "10s"}}}, "mesh-inexpressible"),
    ],
)
def test_what_cannot_be_said_of_a_host_is_an_error(rule: dict[str, Any], code: str) -> None:
    codes = {one.code for one in found(asked({}, rule=rule)) if one.severity == "error"}
    assert codes == {code}


@pytest.mark.parametrize(
    ("rule", "wide", "code"),
    [
        ({"timeout": {"request": "2s"}, "retries": {"attempts": 2, "perTry": "1s"}}, {}, "timeout-cuts-retries"),
        ({"fault": {"abort": {"httpStatus": 500}}, "retries": {"attempts": 2}}, {}, "fault-cancels"),
        ({"cors": {"methods": ["GET"]}}, {}, "leaf-cancelled"),
        ({}, {"tls": {"mode": "Disable"}}, "tls-against-mtls"),
        ({}, {"loadBalancing": {"policy": "Random", "warmup": "1m"}}, "leaf-cancelled"),
        ({}, {"retries": {"budget": {"percent": 1}}, "connections": {"http": {"maxRetries": 3}}}, "leaf-cancelled"),
    ],
)
def test_what_has_no_effect_is_told(rule: dict[str, Any], wide: dict[str, Any], code: str) -> None:
    assert [(one.severity, one.code) for one in found(asked({"rule": rule}, rule=wide))] == [("warning", code)]


def test_an_error_of_one_service_leaves_the_others() -> None:
    said = asked({"to": [{"weight": 0}, {"weight": 0}]})
    assert made(said, "VirtualHost", "one~outbound~b.shop.80")["routes"][0]["route"]["cluster"] == "b.shop.80"


def test_a_port_of_a_match_is_a_virtual_host() -> None:
    said = form(
        hosts={"a.shop": {"routes": [{"match": [{"ports": ["http-admin"]}], "rule": {"respond": {"status": 418}}}, {}]}}
    )
    assert ["direct_response" in one for one in routes(said, 80)] == [False]
    assert ["direct_response" in one for one in routes(said, 81)] == [True, False]


def test_a_backend_with_one_port_is_called_there() -> None:
    services = {"a.shop": HTTP, "b.shop": {"ports": [{"number": 9000, "name": "http"}]}}
    said = form(services, hosts={"a.shop": {"routes": [{"to": [{"service": "b.shop"}]}]}})
    assert routes(said)[0]["route"]["cluster"] == "b.shop.9000"


def test_limits_of_the_proxy_itself_hold_for_nobody() -> None:
    (limits,) = cluster(form())["circuit_breakers"]["thresholds"]
    assert set(limits.values()) == {2**32 - 1}
    assert routes(form())[0]["route"]["timeout"] == "0s"


def test_only_what_is_asked_takes_endpoints_out() -> None:
    outlier = cluster(asked({}, rule={"outlier": {"consecutiveGatewayErrors": 3}}))["outlier_detection"]
    assert outlier["enforcing_consecutive_gateway_failure"] == 100
    assert outlier["enforcing_consecutive_5xx"] == 0 == outlier["enforcing_success_rate"]


def test_services_of_one_route_have_one_key() -> None:
    hosts = {
        "a.shop": {
            "rule": {"loadBalancing": {"hash": {"header": "x"}}},
            "routes": [{"to": [{}, {"service": "b.shop"}]}],
        },
        "b.shop": {"rule": {"loadBalancing": {"hash": {"query": "q"}}}},
    }
    assert "mesh-inexpressible" in {one.code for one in found(form(hosts=hosts))}


def test_own_names_take_the_place_of_the_pinned_accounts() -> None:
    rule = {"tls": {"mode": "MeshMutual", "sni": "x", "subjectAltNames": ["spiffe://other/a"], "minVersion": "1.3"}}
    context = cluster(asked({}, rule=rule))["transport_socket"]["typed_config"]
    common = context["common_tls_context"]
    names = common["combined_validation_context"]["default_validation_context"]["match_typed_subject_alt_names"]
    assert (context["sni"], common["tls_params"]["tls_minimum_protocol_version"]) == ("x", "TLSv1_3")
    assert names == [{"san_type": "URI", "matcher": {"exact": "spiffe://other/a"}}]
    assert common["tls_certificate_sds_secret_configs"]


def test_without_a_certificate_of_the_caller_the_service_is_still_proved() -> None:
    said = asked({}, rule={"tls": {"mode": "Simple"}}) | {"mtls": [{"mode": "Permissive"}]}
    common = cluster(said)["transport_socket"]["typed_config"]["common_tls_context"]
    assert "tls_certificate_sds_secret_configs" not in common
    assert common["combined_validation_context"]["default_validation_context"]["match_typed_subject_alt_names"]


def test_connections_have_a_listener_where_their_callers_are() -> None:
    said = form({"a.shop": HTTP, "db.shop": TCP}, endpoints={"db.shop": [{"address": "127.0.9.9", "name": "db"}]})
    listener = made(said, "Listener", "one~outbound.db.shop.5432")
    assert listener["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 5432}
    objects = [
        one.key.name for built in registry.load_all()[MESH].build(given.intent(said, MESH)) for one in built.objects
    ]
    assert "db~outbound.db.shop.5432" not in objects


def test_a_port_that_is_taken_is_told() -> None:
    services = {"a.shop": HTTP, "db.shop": TCP, "other.shop": TCP}
    places = {
        "db.shop": [{"address": "127.0.9.9", "name": "db"}],
        "other.shop": [{"address": "127.0.9.8", "name": "ot"}],
    }
    messages = [one.message for one in found(form(services, endpoints=places)) if one.code == "port-taken"]
    assert "calls to other.shop have no way: port 5432 at 127.0.0.1 of proxy shop/one is db.shop" in messages
    assert not [text for text in messages if text.startswith("calls to db.shop") and "shop/one" in text]


def test_a_service_can_be_made_opaque_for_everybody() -> None:
    services = {"a.shop": HTTP, "b.shop": {"ports": [{"number": 90, "name": "http"}]}}
    hosts = {"a.shop": {"rule": {"protocol": {"opaque": True}}}}
    said = form(services, hosts=hosts, endpoints={"b.shop": [{"address": "127.0.9.9", "name": "b"}]})
    assert made(said, "Listener", "b~outbound.a.shop.80")["filter_chains"][0]["filters"][0]["typed_config"]["cluster"]
    inbound = made(said, "Listener", "one~inbound.80")["filter_chains"][0]["filters"][-1]
    assert inbound["name"] == "envoy.filters.network.tcp_proxy"


def test_unseen_requests_are_told() -> None:
    said = form({"db.shop": TCP}, hosts={"db.shop": {"routes": [{"rule": {"timeout": {"request": "1s"}}}]}})
    assert [one.code for one in found(said)] == ["http-route-on-tcp"]


@pytest.mark.parametrize(("version", "codes"), [("1.38.2", ["mesh-too-old"]), ("1.40.0", []), ("", [])])
def test_what_the_running_proxies_do_not_know_is_not_written(version: str, codes: list[str]) -> None:
    said = asked({}, rule={"retries": {"budget": {"percent": 20, "ttl": "10s"}}}) | {"mesh": {"version": version}}
    assert [one.code for one in found(said)] == codes
