"""What we know of Istio's webhook refuses what it refuses: an object for each rule, otherwise sound."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters import webhook

TO = [{"destination": {"host": "a"}}]
PORT = {"number": 80, "name": "http", "protocol": "HTTP"}
HTTPS = {"number": 443, "name": "https", "protocol": "HTTPS"}
FILTER = {"applyTo": "HTTP_FILTER", "patch": {"operation": "MERGE", "value": {}}}


def http(**route: Any) -> dict[str, Any]:
    return {"hosts": ["a"], "http": [{"route": TO, **route}]}


def policy(**fields: Any) -> dict[str, Any]:
    return {"host": "a", "trafficPolicy": fields}


def entry(**fields: Any) -> dict[str, Any]:
    return {"hosts": ["a.example"], "ports": [PORT], "resolution": "DNS", **fields}


def patch(**fields: Any) -> dict[str, Any]:
    return {"configPatches": [{**FILTER, **fields}]}


SOUND: list[tuple[str, dict[str, Any]]] = [
    ("VirtualService", http()),
    ("VirtualService", {"hosts": ["a"], "http": [{"redirect": {"uri": "/b"}}]}),
    ("VirtualService", {"http": [{"route": TO}]}),
    ("DestinationRule", policy(outlierDetection={"consecutive5xxErrors": 3})),
    ("Gateway", {"servers": [{"port": PORT, "hosts": ["*"]}, {"port": HTTPS, "hosts": ["x/a.example"],
                                                              "tls": {"mode": "SIMPLE", "credentialName": "c"}}]}),
    ("ServiceEntry", entry()),
    ("Sidecar", {"egress": [{"hosts": ["./*", "x/a.example"]}]}),
    ("AuthorizationPolicy", {"action": "DENY", "rules": [{"to": [{"operation": {"ports": ["1"], "paths": ["/*"]}}]}]}),
    ("RequestAuthentication", {"jwtRules": [{"issuer": "a", "jwks": '{"keys": []}'}]}),
    ("PeerAuthentication", {"mtls": {"mode": "STRICT"}}),
    ("Telemetry", {"tracing": [{"randomSamplingPercentage": 3, "customTags": {"a": {"literal": {"value": "b"}}}}]}),
    ("WasmPlugin", {"url": "oci://a/b", "sha256": "0" * 64}),
    ("EnvoyFilter", patch(match={"listener": {"filterChain": {"filter": {"name": "a"}}}})),
]  # fmt: skip
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("VirtualService", {"hosts": ["a"]}, "neither http"),
    ("VirtualService", {"hosts": ["a"], "http": [{"match": [{"uri": {"exact": "/"}}]}]}, "no route"),
    ("VirtualService", {**http(), "hosts": ["*"]}, "bound to the mesh"),
    ("VirtualService", {**http(), "hosts": ["a.b.example", "*.b.example"]}, "overlap"),
    ("VirtualService", {"gateways": ["x/g"], "http": [{"route": TO}]}, "a delegate has gateways"),
    ("VirtualService", {"hosts": ["a"], "http": [{"delegate": {"name": "b"}, "route": TO}]}, "a root route has route"),
    ("VirtualService", {"http": [{"route": TO, "match": [{"uri": {"regex": "/a"}}]}]}, "a regex in a delegation"),
    ("VirtualService", http(redirect={"uri": "/"}), "['redirect'] and route"),
    ("VirtualService", {"hosts": ["a"], "http": [{"redirect": {"uri": "/"}, "fault": {"delay": {}}}]}, "and fault"),
    ("VirtualService", {"hosts": ["a"], "http": [{"redirect": {"redirectCode": 301}}]}, "to the same place"),
    ("VirtualService", http(rewrite={}), "an empty rewrite"),
    ("VirtualService", http(rewrite={"uriRegexRewrite": {"match": "a"}}), "a rewrite to nothing"),
    ("VirtualService", http(route=[{**TO[0], "weight": 0}, {**TO[0], "weight": 0}]), "no destination has a weight"),
    ("VirtualService", http(route=[{"destination": {"host": "a", "subset": "V.1"}}]), "no name of a subset"),
    ("VirtualService", http(match=[{"uri": {"regex": "(?=a)"}}]), "(?=a)"),
    ("VirtualService", http(match=[{"headers": {"x a": {"exact": "b"}}}]), "no header name"),
    ("VirtualService", http(match=[{"headers": {"@request.auth.claims.a": {"exact": "b"}}}]), "for gateways only"),
    ("VirtualService", http(match=[{"uri": {"prefix": ""}}]), "an empty prefix"),
    ("VirtualService", http(headers={"response": {"set": {"host": "b"}}}), "'host' cannot be set"),
    ("VirtualService", http(headers={"request": {"set": {"x": "50%"}}}), "the value of x"),
    ("VirtualService", http(headers={"request": {"set": {"host": "b"}}}, rewrite={"authority": "c"}), "set twice"),
    ("VirtualService", http(corsPolicy={"maxAge": "1.5s"}), "whole seconds"),
    ("VirtualService", http(corsPolicy={"allowMethods": ["GRAB"]}), "no method"),
    ("VirtualService", http(fault={}), "a fault without"),
    ("VirtualService", http(fault={"abort": {"httpStatus": 700}}), "a status"),
    ("VirtualService", http(fault={"abort": {"grpcStatus": "BAD"}}), "a status"),
    ("VirtualService", http(retries={"attempts": 0, "perTryTimeout": "1s"}), "retries without attempts"),
    ("VirtualService", http(retries={"attempts": 1, "retryOn": "5xx,rain"}), "no retries on rain"),
    ("VirtualService", http(mirrors=[{"destination": {"host": "*"}}]), "is no host"),
    ("VirtualService", {"hosts": ["a"], "http": [{"route": TO}, {"route": TO}]}, "never reached"),
    ("VirtualService", {"hosts": ["a"], "tls": [{"match": [{"sniHosts": ["b"]}], "route": TO}]}, "SNI b"),
    ("DestinationRule", policy(), "without a field"),
    ("DestinationRule", policy(connectionPool={}), "a connection pool without"),
    ("DestinationRule", {"host": "a", "subsets": [{"name": "v1"}, {"name": "v1"}]}, "two subsets"),
    ("DestinationRule", {"host": "a", "subsets": [{"name": "v_1"}]}, "no name of a subset"),
    ("DestinationRule", policy(outlierDetection={"consecutiveLocalOriginFailures": 3}), "not split"),
    ("DestinationRule", policy(loadBalancer={"consistentHash": {"httpCookie": {"ttl": "1s"}}}), "a cookie"),
    ("DestinationRule", policy(loadBalancer={"consistentHash": {"maglev": {"tableSize": 100}}}), "no prime"),
    ("DestinationRule", policy(loadBalancer={"localityLbSetting": {"distribute": [{"from": "a", "to": {"b": 90}}]}}),
     "are not 100"),
    ("DestinationRule", policy(loadBalancer={"localityLbSetting": {"failover": [{"from": "a", "to": "b"}]}}),
     "without outlier detection"),
    ("DestinationRule", policy(tls={"mode": "MUTUAL"}), "without a certificate"),
    ("DestinationRule", policy(tls={"mode": "ISTIO_MUTUAL", "caCertificates": "x"}), "ISTIO_MUTUAL with"),
    ("DestinationRule", {**policy(tls={"mode": "DISABLE"}), "exportTo": ["*", "x"]}, "exportTo"),
    ("Gateway", {"servers": []}, "servers"),
    ("Gateway", {"servers": [{"port": PORT, "hosts": ["a"]}, {"port": PORT, "hosts": ["b"]}]}, "port names"),
    ("Gateway", {"servers": [{"port": HTTPS, "hosts": ["a"]}]}, "HTTPS with tls None"),
    ("Gateway", {"servers": [{"port": HTTPS, "hosts": ["a"], "tls": {"mode": "SIMPLE"}}]}, "without a certificate"),
    ("Gateway", {"servers": [{"port": HTTPS, "hosts": ["a"], "tls": {"mode": "PASSTHROUGH", "credentialName": "c"}}]},
     "PASSTHROUGH with"),
    ("ServiceEntry", entry(hosts=["*.example"]), "is no host"),
    ("ServiceEntry", entry(ports=[PORT, PORT]), "two ports"),
    ("ServiceEntry", entry(resolution="STATIC", endpoints=[{"address": "b.example"}]), "is no address"),
    ("ServiceEntry", entry(endpoints=[{"address": "b.example", "ports": {"x": 1}}]), "port x"),
    ("ServiceEntry", entry(resolution="NONE", endpoints=[{"address": "10.0.0.1"}]), "without resolution"),
    ("ServiceEntry", entry(workloadSelector={"labels": {"a": "b"}}), "a workloadSelector"),
    ("ServiceEntry", entry(hosts=["a.example", "b.example"], ports=[{**PORT, "protocol": "TCP"}]), "several hosts"),
    ("Sidecar", {}, "without content"),
    ("Sidecar", {"egress": [{"hosts": ["./a.example", "shop/a.example"]}]}, "hosts twice"),
    ("Sidecar", {"egress": [{"hosts": ["a.example"]}]}, "without a namespace"),
    ("AuthorizationPolicy", {"action": "DENY"}, "DENY without rules"),
    ("AuthorizationPolicy", {"action": "CUSTOM", "rules": [{}]}, "with provider None"),
    ("AuthorizationPolicy", {"action": "ALLOW", "provider": {"name": "a"}}, "with provider"),
    ("AuthorizationPolicy", {"action": "CUSTOM", "provider": {"name": "a"},
                             "rules": [{"from": [{"source": {"principals": ["a"]}}]}]}, "CUSTOM by identity"),
    ("AuthorizationPolicy", {"rules": [{"from": []}]}, "an empty from"),
    ("AuthorizationPolicy", {"rules": [{"to": [{"operation": {}}]}]}, "an empty source or operation"),
    ("AuthorizationPolicy", {"rules": [{"to": [{"operation": {"paths": ["/a*b"]}}]}]}, "a * within"),
    ("AuthorizationPolicy", {"rules": [{"when": [{"key": "source.ip"}]}]}, "no values"),
    ("AuthorizationPolicy", {"selector": {"matchLabels": {"a": "b"}}, "targetRefs": [{"kind": "Service", "name": "a"}]},
     "a selector and targets"),
    ("AuthorizationPolicy", {"targetRefs": [{"kind": "Pod", "name": "a"}]}, "the target"),
    ("AuthorizationPolicy", {"selector": {"matchLabels": {"a": "b*"}}}, "a selector a=b*"),
    ("RequestAuthentication", {"jwtRules": [{"jwksUri": "https://a.example"}]}, "without an issuer"),
    ("RequestAuthentication", {"jwtRules": [{"issuer": "a", "jwks": "{}"}]}, "jwks without keys"),
    ("PeerAuthentication", {"portLevelMtls": {80: {"mode": "STRICT"}}}, "without a selector"),
    ("Telemetry", {"tracing": [{"randomSamplingPercentage": 101}]}, "no percentage"),
    ("Telemetry", {"metrics": [{"overrides": [{"tagOverrides": {"a": {"operation": "UPSERT"}}}]}]}, "a tag to set"),
    ("Telemetry", {"accessLogging": [{"providers": [{}]}]}, "a provider without"),
    ("WasmPlugin", {"url": "oci://a/b", "sha256": "A" * 64}, "url or sha256"),
    ("WasmPlugin", {"sha256": ""}, "url or sha256"),
    ("EnvoyFilter", {"configPatches": [{"patch": {"operation": "MERGE", "value": {}}}]}, "a patch of nothing"),
    ("EnvoyFilter", patch(patch={"operation": "MERGE"}), "without a value"),
    ("EnvoyFilter", patch(match={"cluster": {"name": "a"}}), "cannot match"),
    ("EnvoyFilter", patch(match={"listener": {"filterChain": {"filter": {"name": "a", "subFilter": {"name": "b"}}}}}),
     "a sub-filter"),
    ("EnvoyFilter", patch(patch={"operation": "ADD", "value": {"typed_config": {"@type": "envoy.v2.Router"}}}),
     "the type"),
    ("EnvoyFilter", patch(patch={"operation": "ADD", "value": {"name": "envoy.filters.http.lua"}}), "typed_config"),
    ("EnvoyFilter", {**patch(), "workloadSelector": {"labels": {}}}, "without labels"),
]  # fmt: skip


def body(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "a", "namespace": "shop"}
    return {"apiVersion": "any.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(("kind", "spec"), SOUND)
def test_what_is_sound_is_taken(kind: str, spec: dict[str, Any]) -> None:
    assert webhook.refusals(body(kind, spec)) == []
    assert webhook.warnings(body(kind, spec)) == []


@pytest.mark.parametrize(("kind", "spec", "said"), REFUSED)
def test_what_it_refuses_is_refused(kind: str, spec: dict[str, Any], said: str) -> None:
    found = webhook.refusals(body(kind, spec))
    assert [text for text in found if said in text], found


def test_a_deny_by_http_alone_is_warned_of() -> None:
    rules = [{"to": [{"operation": {"paths": ["/a"]}}]}]
    assert webhook.warnings(body("AuthorizationPolicy", {"action": "DENY", "rules": rules}))
    assert not webhook.warnings(body("AuthorizationPolicy", {"action": "ALLOW", "rules": rules}))
