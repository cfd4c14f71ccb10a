"""The claims of capabilities.yaml are honest: what is claimed changes the output, what is not leaves no trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.adapters.base import Level
from reconciler.adapters.istio import ADAPTER
from reconciler.model.canonical import encode
from tests.adapters import given

CLAIMS = ADAPTER.capabilities("")

#: a rule that uses each leaf of a route, and one without it
ROUTE_LEAVES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "traffic.redirect.scheme": ({"redirect": {"path": "/n", "scheme": "https"}}, {"redirect": {"path": "/n"}}),
    "traffic.redirect.host": ({"redirect": {"host": "a.example"}}, {}),
    "traffic.redirect.port": ({"redirect": {"port": 8443}}, {}),
    "traffic.redirect.path": ({"redirect": {"path": "/n"}}, {}),
    "traffic.redirect.code": ({"redirect": {"path": "/n", "code": 302}}, {"redirect": {"path": "/n"}}),
    "traffic.rewrite.path": ({"rewrite": {"path": "/n"}}, {}),
    "traffic.rewrite.prefix": ({"rewrite": {"prefix": "/n"}}, {}),
    "traffic.rewrite.regex": ({"rewrite": {"regex": {"pattern": "a", "substitution": "b"}}}, {}),
    "traffic.rewrite.host": ({"rewrite": {"host": "a.example"}}, {}),
    "traffic.respond.status": ({"respond": {"status": 418}}, {}),
    "traffic.respond.body": ({"respond": {"status": 418, "body": "x"}}, {"respond": {"status": 418}}),
    "traffic.timeout.request": ({"timeout": {"request": "1s"}}, {}),
    "traffic.retries.backoff.base": ({"retries": {"backoff": {"base": "1s"}}}, {"retries": {"attempts": 2}}),
    "traffic.retries.backoff.max": ({"retries": {"backoff": {"max": "1s"}}}, {}),
    "traffic.timeout.idle": ({"timeout": {"idle": "1s"}}, {}),
    "traffic.timeout.stream": ({"timeout": {"stream": "1s"}}, {}),
    "traffic.retries.attempts": ({"retries": {"attempts": 3}}, {}),
    "traffic.retries.perTry": ({"retries": {"perTry": "1s"}}, {}),
    "traffic.retries.on": ({"retries": {"on": ["5xx"]}}, {}),
    "traffic.retries.statusCodes": ({"retries": {"statusCodes": [503]}}, {}),
    "traffic.retries.otherLocalities": ({"retries": {"otherLocalities": True}}, {}),
    "traffic.fault.delay.duration": ({"fault": {"delay": {"duration": "1s"}}}, {}),
    "traffic.fault.delay.percent": (
        {"fault": {"delay": {"duration": "1s", "percent": 3}}},
        {"fault": {"delay": {"duration": "1s"}}},
    ),
    "traffic.fault.abort.httpStatus": ({"fault": {"abort": {"httpStatus": 503}}}, {}),
    "traffic.fault.abort.grpcStatus": ({"fault": {"abort": {"grpcStatus": "INTERNAL"}}}, {}),
    "traffic.fault.abort.percent": (
        {"fault": {"abort": {"httpStatus": 503, "percent": 3}}},
        {"fault": {"abort": {"httpStatus": 503}}},
    ),
    "traffic.cors.origins": ({"cors": {"origins": [{"exact": "https://a.example"}]}}, {}),
    "traffic.cors.methods": ({"cors": {"methods": ["GET"]}}, {}),
    "traffic.cors.headers": ({"cors": {"headers": ["x-a"]}}, {}),
    "traffic.cors.expose": ({"cors": {"expose": ["x-a"]}}, {}),
    "traffic.cors.maxAge": ({"cors": {"maxAge": "1h"}}, {}),
    "traffic.cors.credentials": ({"cors": {"credentials": False}}, {}),
    "traffic.headers.request.set": ({"headers": {"request": {"set": {"x-a": "1"}}}}, {}),
    "traffic.headers.request.add": ({"headers": {"request": {"add": {"x-a": "1"}}}}, {}),
    "traffic.headers.request.remove": ({"headers": {"request": {"remove": ["x-a"]}}}, {}),
    "traffic.headers.response.set": ({"headers": {"response": {"set": {"x-a": "1"}}}}, {}),
    "traffic.headers.response.add": ({"headers": {"response": {"add": {"x-a": "1"}}}}, {}),
    "traffic.headers.response.remove": ({"headers": {"response": {"remove": ["x-a"]}}}, {}),
}
EU, US = {"region": "eu"}, {"region": "us"}
SHARES = [{"from": EU, "to": [{"locality": EU, "weight": 1}]}]
PARTS = [["version=v1"], ["version=v2"]]
STEPS = [{"from": EU, "to": [US]}]
HOST_LEAVES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{
        f"traffic.healthCheck.{field}": ({"healthCheck": {"path": "/h", field: value}}, {"healthCheck": {"path": "/h"}})
        for field, value in (
            ("protocol", "TCP"),
            ("interval", "3s"),
            ("timeout", "3s"),
            ("healthy", 7),
            ("unhealthy", 7),
        )
    },
    "traffic.healthCheck.path": ({"healthCheck": {"path": "/h"}}, {"healthCheck": {"path": "/"}}),
    **{
        f"traffic.outlier.successRate.{field}": ({"outlier": {"successRate": {field: 3}}}, {})
        for field in ("minimumHosts", "requestVolume", "standardDeviationFactor")
    },
    "traffic.timeout.connect": ({"timeout": {"connect": "1s"}}, {}),
    "traffic.retries.budget.percent": ({"retries": {"budget": {"percent": 20}}}, {}),
    "traffic.loadBalancing.locality.prefer": ({"loadBalancing": {"locality": {"prefer": "Local"}}}, {}),
    "traffic.loadBalancing.locality.distribute": ({"loadBalancing": {"locality": {"distribute": SHARES}}}, {}),
    "traffic.loadBalancing.locality.failover.to": ({"loadBalancing": {"locality": {"failover": STEPS}}}, {}),
    "traffic.loadBalancing.locality.order": ({"loadBalancing": {"locality": {"order": PARTS}}}, {}),
    "traffic.loadBalancing.warmup": ({"loadBalancing": {"warmup": "1m"}}, {}),
    "traffic.tls.mode": ({"tls": {"mode": "Simple"}}, {}),
    "traffic.tls.sni": ({"tls": {"mode": "Simple", "sni": "a.example"}}, {"tls": {"mode": "Simple"}}),
    "traffic.tls.subjectAltNames": (
        {"tls": {"mode": "Simple", "subjectAltNames": ["a.example"]}},
        {"tls": {"mode": "Simple"}},
    ),
    "traffic.protocol.proxyProtocol": ({"protocol": {"proxyProtocol": "V2"}}, {}),
    "traffic.outlier.consecutiveErrors": ({"outlier": {"consecutiveErrors": 3}}, {}),
    "traffic.outlier.consecutiveGatewayErrors": ({"outlier": {"consecutiveGatewayErrors": 3}}, {}),
    "traffic.outlier.interval": ({"outlier": {"interval": "1s"}}, {}),
    "traffic.outlier.baseEjection": ({"outlier": {"baseEjection": "1s"}}, {}),
    "traffic.outlier.maxEjectionPercent": ({"outlier": {"maxEjectionPercent": 3}}, {}),
    "traffic.outlier.minHealthPercent": ({"outlier": {"minHealthPercent": 3}}, {}),
    "traffic.connections.tcp.max": ({"connections": {"tcp": {"max": 3}}}, {}),
    "traffic.connections.tcp.connectTimeout": ({"connections": {"tcp": {"connectTimeout": "1s"}}}, {}),
    "traffic.connections.tcp.keepalive.probes": ({"connections": {"tcp": {"keepalive": {"probes": 3}}}}, {}),
    "traffic.connections.tcp.keepalive.time": ({"connections": {"tcp": {"keepalive": {"time": "1s"}}}}, {}),
    "traffic.connections.tcp.keepalive.interval": ({"connections": {"tcp": {"keepalive": {"interval": "1s"}}}}, {}),
    "traffic.connections.http.maxPending": ({"connections": {"http": {"maxPending": 3}}}, {}),
    "traffic.connections.http.maxRequests": ({"connections": {"http": {"maxRequests": 3}}}, {}),
    "traffic.connections.http.maxPerConnection": ({"connections": {"http": {"maxPerConnection": 3}}}, {}),
    "traffic.connections.http.maxRetries": ({"connections": {"http": {"maxRetries": 0}}}, {}),
    "traffic.connections.http.idle": ({"connections": {"http": {"idle": "1s"}}}, {}),
    "traffic.connections.http.h2Upgrade": ({"connections": {"http": {"h2Upgrade": False}}}, {}),
    "traffic.loadBalancing.policy": ({"loadBalancing": {"policy": "Random"}}, {}),
    "traffic.loadBalancing.hash.header": ({"loadBalancing": {"hash": {"header": "x-a"}}}, {}),
    "traffic.loadBalancing.hash.sourceIp": ({"loadBalancing": {"hash": {"sourceIp": True}}}, {}),
    "traffic.loadBalancing.hash.query": ({"loadBalancing": {"hash": {"query": "a"}}}, {}),
    "traffic.loadBalancing.hash.cookie.name": ({"loadBalancing": {"hash": {"cookie": {"name": "a"}}}}, {}),
    "traffic.loadBalancing.hash.cookie.path": (
        {"loadBalancing": {"hash": {"cookie": {"name": "a", "path": "/"}}}},
        {"loadBalancing": {"hash": {"cookie": {"name": "a"}}}},
    ),
    "traffic.loadBalancing.hash.cookie.ttl": (
        {"loadBalancing": {"hash": {"cookie": {"name": "a", "ttl": "1h"}}}},
        {"loadBalancing": {"hash": {"cookie": {"name": "a"}}}},
    ),
}


def local(**more: Any) -> dict[str, Any]:
    return {"rateLimit": {"local": {"requests": 10, "unit": "Second"} | more}}


def counted(**more: Any) -> dict[str, Any]:
    entries = [{"entries": [{"key": "k", "value": "v"}]}]
    return {"rateLimit": {"global": {"domain": "d", "server": "limits.infra:80", "descriptors": entries} | more}}


def asking(**more: Any) -> dict[str, Any]:
    return {"extAuth": {"server": "auth.infra:80"} | more}


BY_HEADER = [{"entries": [{"key": "k", "header": "x-a"}]}]
#: what the destination's own side does, each with one that differs in it alone
INBOUND_LEAVES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "traffic.rateLimit.local.requests": (local(requests=11), local()),
    "traffic.rateLimit.local.unit": (local(unit="Hour"), local()),
    "traffic.rateLimit.local.burst": (local(burst=20), local()),
    "traffic.rateLimit.local.per": (local(per="Header", header="x-a"), local()),
    "traffic.rateLimit.local.header": (local(per="Header", header="x-a"), local(per="Header", header="x-b")),
    "traffic.rateLimit.global.domain": (counted(domain="e"), counted()),
    "traffic.rateLimit.global.server": (counted(server="limits.infra:81"), counted()),
    "traffic.rateLimit.global.timeout": (counted(timeout="1s"), counted()),
    "traffic.rateLimit.global.failOpen": (counted(failOpen=False), counted()),
    "traffic.rateLimit.global.descriptors": (counted(descriptors=BY_HEADER), counted()),
    "traffic.csrf.percent": ({"csrf": {"percent": 3}}, {"csrf": {}}),
    "traffic.csrf.shadow": ({"csrf": {"shadow": True}}, {"csrf": {}}),
    "traffic.csrf.origins": ({"csrf": {"origins": [{"exact": "https://a.example"}]}}, {"csrf": {}}),
    "traffic.extAuth.server": (asking(server="auth.infra:81"), asking()),
    "traffic.extAuth.protocol": (asking(protocol="Http"), asking()),
    "traffic.extAuth.timeout": (asking(timeout="1s"), asking()),
    "traffic.extAuth.failOpen": (asking(failOpen=True), asking()),
    "traffic.extAuth.headers": (asking(headers=["x-a"]), asking()),
}
#: conditions of a match, each with one that differs in it alone
MATCHES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "path.exact": ({"path": {"exact": "/a"}}, {}),
    "path.prefix": ({"path": {"prefix": "/a"}}, {"path": {"exact": "/a"}}),
    "path.stringPrefix": ({"path": {"stringPrefix": "/a"}}, {"path": {"prefix": "/a"}}),
    "path.suffix": ({"path": {"suffix": "/a"}}, {"path": {"exact": "/a"}}),
    "path.regex": ({"path": {"regex": "/a"}}, {"path": {"exact": "/a"}}),
    "path.ignoreCase": ({"path": {"exact": "/a", "ignoreCase": True}}, {"path": {"exact": "/a"}}),
    "methods": ({"methods": ["GET"]}, {}),
    "authority": ({"authority": "a.example"}, {}),
    "scheme": ({"scheme": "https"}, {}),
    "ports": ({"ports": [80]}, {}),
    "sni": ({"sni": ["a.example"]}, {}),
    "grpc.service": ({"grpc": {"service": "a.B"}}, {}),
    "grpc.method": ({"grpc": {"service": "a.B", "method": "C"}}, {"grpc": {"service": "a.B"}}),
    "jwtClaims": ({"jwtClaims": [{"name": ["team"], "values": ["a"]}]}, {}),
    **{
        f"{where}.{kind}": ({where: [{"name": "x", kind: "v"}]}, {where: [{"name": "x", other: "v"}]})
        for where in ("headers", "query")
        for kind, other in zip(
            ("exact", "prefix", "suffix", "regex", "present"),
            ("present", "exact", "exact", "present", "exact"),
            strict=True,
        )
    },
    **{
        f"{where}.{flag}": ({where: [{"name": "x", "exact": "v", flag: True}]}, {where: [{"name": "x", "exact": "v"}]})
        for where in ("headers", "query")
        for flag in ("invert", "ignoreCase")
    },
}
#: claims that are about more than one leaf or condition; the cases in ``cases/istio`` show each of them
SHOWN_BY_CASES = {
    "traffic.route.weight", "traffic.route.subset", "traffic.route.ports", "traffic.route.headers", "traffic.unmatched",
    "traffic.mirror.percent", "traffic.mirror.subset", "traffic.mirror.ports", "traffic.mtls", "traffic.priority",
    "traffic.from.namespaces", "traffic.from.workloads", "traffic.from.services", "traffic.from.serviceAccounts",
    "traffic.from.meshes", "traffic.from.clusters", "access.allow", "access.deny", "access.defaultDeny",
    "access.from.namespaces", "access.from.serviceAccounts", "access.from.identities", "access.from.authenticated",
    "access.from.ipBlocks.include", "access.from.ipBlocks.exclude", "access.from.services", "access.from.workloads",
    "access.from.gateways", "access.from.meshes", "access.from.clusters", "access.audit", "access.custom",
    "access.jwt.require", "access.jwt.claims", "access.jwt.from.header", "access.jwt.from.query",
    "access.jwt.from.cookie", "access.scope", "access.native", "access.to.subset", "traffic.to.subset",
}  # fmt: skip

PORT = {"number": 80, "name": "http", "target": 8080}
CLUSTER = {"services": {"a.shop": {"selector": {"app": "a"}, "ports": [PORT]}}}
ROUTES = {"cluster": CLUSTER, "hosts": {"a.shop": {"routes": [{}]}}}
NOT_CARRIED = sorted(
    path
    for path, claim in CLAIMS.items()
    if claim.level is Level.NONE
    and path.startswith("traffic.")
    and path.split(".")[1] not in ("match", "from", "mirror")
)


def output(form: Mapping[str, Any]) -> str:
    intent = given.intent(form)
    return encode([native.body for built in ADAPTER.build(intent) for native in built.objects])


def with_route(rule: Mapping[str, Any], **route: Any) -> dict[str, Any]:
    return {"cluster": CLUSTER, "hosts": {"a.shop": {"routes": [{"rule": rule, **route}]}}}


def with_host(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"cluster": CLUSTER, "hosts": {"a.shop": {"rule": rule, "routes": [{}]}}}


def with_inbound(rule: Mapping[str, Any], **route: Any) -> dict[str, Any]:
    return {"cluster": CLUSTER, "hosts": {"a.shop": {"inbound": [{"rule": rule, **route}]}}}


def with_access(match: Mapping[str, Any]) -> dict[str, Any]:
    return {"access": [{"service": "a.shop", "match": [match] if match else []}]}


def nested(path: str, value: Any) -> dict[str, Any]:
    made: Any = value
    for part in reversed(path.split(".")[1:]):
        made = {part: made}
    assert isinstance(made, dict)
    return made


def is_supported(path: str) -> bool:
    claim = ADAPTER.capability(path)
    assert claim is not None
    return claim.level is not Level.NONE


@pytest.mark.parametrize("path", ROUTE_LEAVES)
def test_a_leaf_of_a_route_changes_the_output(path: str) -> None:
    used, unused = ROUTE_LEAVES[path]
    assert is_supported(path)
    assert output(with_route(used)) != output(with_route(unused))


@pytest.mark.parametrize("path", HOST_LEAVES)
def test_a_leaf_of_a_host_changes_the_output(path: str) -> None:
    used, unused = HOST_LEAVES[path]
    assert is_supported(path)
    assert output(with_host(used)) != output(with_host(unused))


@pytest.mark.parametrize("path", INBOUND_LEAVES)
def test_a_leaf_of_arriving_requests_changes_the_output(path: str) -> None:
    used, unused = INBOUND_LEAVES[path]
    assert is_supported(path)
    assert output(with_inbound(used)) != output(with_inbound(unused))
    assert "[]" not in (output(with_inbound(used)), output(with_inbound(unused)))


@pytest.mark.parametrize("path", NOT_CARRIED)
def test_what_is_not_claimed_leaves_no_trace(path: str) -> None:
    for value in ("1s", 3, True, {"anything": "1s"}):
        assert output(with_route(nested(path, value))) == output(ROUTES)
        assert output(with_host(nested(path, value))) == output(ROUTES)


@pytest.mark.parametrize("path", MATCHES)
@pytest.mark.parametrize("kind", ["traffic", "access"])
def test_a_condition_is_written_or_stops_its_rule(kind: str, path: str) -> None:
    """A condition is never dropped, since that would widen the rule."""
    used, unused = MATCHES[path]
    build = with_access if kind == "access" else lambda match: with_route({}, match=[match] if match else [])
    if is_supported(f"{kind}.match.{path}"):
        if not is_supported(f"{kind}.match.{next(iter(unused), 'methods')}"):
            unused = {}
        made = output(build(used))
        assert made != "[]"
        assert made != output(build(unused))
    else:
        assert output(build(used)) == "[]"
        findings = [finding for built in ADAPTER.build(given.intent(build(used))) for finding in built.findings]
        assert [one.code for one in findings if one.severity == "error"] == ["mesh-inexpressible"]


def test_every_claim_is_shown() -> None:
    """A claim without an example here could be a lie. Claims above others are summaries of them."""
    shown = {*ROUTE_LEAVES, *HOST_LEAVES, *INBOUND_LEAVES, *SHOWN_BY_CASES}
    shown |= {f"{kind}.match.{path}" for kind in ("traffic", "access") for path in MATCHES}
    summaries = {path for path in CLAIMS if any(other.startswith(f"{path}.") for other in CLAIMS)}
    claimed = {
        path
        for path, claim in CLAIMS.items()
        if claim.level is not Level.NONE and path.partition(".")[0] in ("traffic", "access")
    }
    assert claimed - summaries - shown == set()
    assert {path for path in shown if path not in CLAIMS and not is_supported(path)} == {
        f"access.match.query.{kind}"
        for kind in ("exact", "prefix", "suffix", "regex", "present", "invert", "ignoreCase")
    }


@pytest.mark.parametrize("profile", ADAPTER.profiles)
def test_every_lack_says_whose_it_is(profile: str) -> None:
    for path, claim in ADAPTER.capabilities(profile).items():
        if claim.level is Level.NONE:
            assert claim.note.startswith(("the mesh ", "not carried by this adapter yet")), path
        else:
            assert claim.via, path


@pytest.mark.parametrize(
    "path",
    ["traffic.route", "traffic.redirect", "traffic.rewrite", "traffic.respond", "traffic.fault", "traffic.timeout",
     "traffic.retries", "traffic.cors", "traffic.headers", "traffic.outlier", "traffic.connections", "traffic.mirror",
     "traffic.loadBalancing", "traffic.healthCheck", "traffic.rateLimit", "traffic.csrf", "traffic.extAuth",
     "traffic.transform", "traffic.dlp", "traffic.tls", "traffic.protocol", "traffic.mtls", "access.allow",
     "access.deny", "access.audit", "access.custom", "access.jwt", "access.scope", "access.defaultDeny",
     "telemetry.metrics", "telemetry.tracing", "telemetry.logs", "ingress.routes", "extension.objects",
     "extension.wasm", "extension.lua", "extension.filterPatch", "mesh.install", "mesh.config.mtls",
     "virtualMesh.trust.shared", "virtualMesh.federation", "destination.failover"],
)  # fmt: skip
def test_every_part_of_the_neutral_api_is_claimed(path: str) -> None:
    assert ADAPTER.capability(path) is not None


def test_nothing_covers_what_is_not_in_the_neutral_api() -> None:
    assert ADAPTER.capability("traffic.nonsense") is None
    assert ADAPTER.capability("nonsense") is None
