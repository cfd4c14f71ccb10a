"""The evaluation of CEL rules finds what an API server would refuse: one broken object for each kind of rule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters import cel, crds

GATEWAY = "gateway.networking.k8s.io/v1"
ROUTE = (GATEWAY, "HTTPRoute")
REDIRECT = {"type": "RequestRedirect", "requestRedirect": {"hostname": "a.example"}}
REWRITE = {"type": "URLRewrite", "urlRewrite": {"hostname": "a.example"}}
#: (version, kind), spec, the beginning of what is said; "" where nothing is to be
BROKEN: list[tuple[tuple[str, str], dict[str, Any], str]] = [
    (ROUTE, {"rules": [{"filters": [REDIRECT]}]}, ""),
    (ROUTE, {"rules": [{"filters": [REDIRECT, REWRITE]}]}, "$.spec.rules[0].filters: May specify either"),
    (ROUTE, {"rules": [{"filters": [REDIRECT], "backendRefs": [{"name": "a", "port": 80}]}]}, "$.spec.rules[0]: "),
    (ROUTE, {"rules": [{"filters": [{"type": "CORS"}]}]}, "$.spec.rules[0].filters[0]: filter.cors must be"),
    (ROUTE, {"rules": [{"backendRefs": [{"name": "a"}]}]}, "$.spec.rules[0].backendRefs[0]: Must have port"),
    # by the default of the type, PathPrefix
    (ROUTE, {"rules": [{"matches": [{"path": {"value": "a"}}]}]}, "$.spec.rules[0].matches[0].path: value must be"),
    (ROUTE, {"rules": [{"matches": [{"path": {"value": "/a/../b"}}]}]}, "$.spec.rules[0].matches[0].path: must not"),
    (ROUTE, {"rules": [{"timeouts": {"request": "1s", "backendRequest": "2s"}}]}, "$.spec.rules[0].timeouts: "),
    (("networking.istio.io/v1", "DestinationRule"), {"host": "a", "workloadSelector": {"matchLabels": {"a": "*"}}},
     "$.spec.workloadSelector.matchLabels.a: wildcard not allowed"),
    (("networking.istio.io/v1", "VirtualService"), {"http": [{"timeout": "100us"}]},
     "$.spec.http[0].timeout: must be a valid duration greater than 1ms"),
    (("networking.istio.io/v1", "ServiceEntry"), {"hosts": ["*"], "resolution": "DNS"}, "$.spec.hosts"),
    (("networking.istio.io/v1", "ServiceEntry"),
     {"hosts": ["a.example"], "resolution": "NONE", "endpoints": [{"address": "10.0.0.1"}], "ports": []},
     "$.spec: NONE mode cannot set endpoints"),
    (("networking.istio.io/v1", "ServiceEntry"),
     {"hosts": ["a.example"], "workloadSelector": {"labels": {}}, "endpoints": [{"address": "10.0.0.1"}]},
     "$.spec: only one of WorkloadSelector or Endpoints"),
    (("security.istio.io/v1", "RequestAuthentication"),
     {"jwtRules": [{"issuer": "a", "jwksUri": "ftp://a.example"}]}, "$.spec.jwtRules[0].jwksUri: url must have scheme"),
    (("security.istio.io/v1", "RequestAuthentication"),
     {"jwtRules": [{"issuer": "a", "jwks": "{}", "jwksUri": "https://a.example"}]}, "$.spec.jwtRules[0]: only one of"),
    (("security.istio.io/v1", "PeerAuthentication"),
     {"portLevelMtls": {"80": {"mode": "STRICT"}}}, "$.spec: portLevelMtls requires selector"),
    (("telemetry.istio.io/v1", "Telemetry"),
     {"selector": {"matchLabels": {"a": "b"}}, "targetRef": {"kind": "Service", "name": "a"}},
     "$.spec: only one of targetRefs or selector"),
    (("extensions.istio.io/v1alpha1", "WasmPlugin"), {"url": "ftp://a"}, "$.spec.url: url must have schema"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "spec", "said"), BROKEN)
def test_what_a_rule_forbids_is_found(kind: tuple[str, str], spec: dict[str, Any], said: str) -> None:
    known = crds.of("istio") | crds.of("gateway-api")
    if not known:
        pytest.skip(crds.NONE)
    found = cel.violations(
        {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "a"}, "spec": spec}, known[kind]
    )
    assert [text for text in found if text.startswith(said)] if said else not found, found


def test_every_rule_can_be_read() -> None:
    schemas = [schema for mesh in ("istio", "gateway-api") for name in crds.sets(mesh)
               for schema in crds.schemas(name).values()]  # fmt: skip
    for rule in {rule for schema in schemas for rule in _rules(schema)}:
        cel.program(rule)


def _rules(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [rule for item in schema for rule in _rules(item)]
    if not isinstance(schema, dict):
        return []
    own = schema.get("x-kubernetes-validations")
    mine = [rule["rule"] for rule in own] if isinstance(own, list) else []
    return mine + [rule for item in schema.values() for rule in _rules(item)]


@pytest.mark.parametrize(
    ("rule", "value", "result"),
    [
        ("self.all(h, !isIP(h))", ["a.example"], True),
        ("self.all(h, !isIP(h))", ["10.0.0.1"], False),
        ("self.substring(2) == 'c' && self.substring(0, 1) == 'a'", "abc", True),
        ("self.substring(4) == ''", "abc", False),
        ("self.split('/')[1] == 'b'", "a/b", True),
        ("isURL(self) && url(self).getScheme() == 'oci'", "oci://a/b", True),
        ("isURL(self)", "a.example/b", False),
        ("duration(self) >= duration('1ms')", "1ms", True),
        ("duration(self) >= duration('1ms')", "soon", False),
        ("self.nothing == 1", {}, False),
    ],
)
def test_what_kubernetes_adds_to_the_language(rule: str, value: Any, result: bool) -> None:
    assert cel.holds(rule, value) is result
