"""Nothing is silent about access: each condition of a policy is in its rule, or refused, or left out of a Deny."""

from __future__ import annotations

from typing import Any

from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st

from reconciler.adapters.base import Level
from reconciler.compile.paths import access_uses
from reconciler.model.access import AccessPolicy, Jwt, JwtProvider
from reconciler.model.findings import Severity
from reconciler.model.native import Compiled
from reconciler.model.rules import OnUnsupported, Otherwise
from reconciler.model.selectors import ClaimMatch, GrpcMatch, Match, ValueMatch
from tests.compile.builders import access, given, header, path, source, to, toy

MATCHES = (
    path("/a"),
    header("x-a"),
    Match(methods=("GET",)),
    Match(query=(ValueMatch("q", "exact", "1"),)),
    Match(sni=("a.example",)),
    Match(grpc=GrpcMatch("a.B", "C")),
    Match(jwt_claims=(ClaimMatch(("team",), ("a",)),)),
    Match(ports=(80,)),
    Match(scheme="http", authority="a.example"),
)
JWT = Jwt((JwtProvider("https://id.example.org"),), claims=(ClaimMatch(("team",), ("a",)),))
SOURCES = (source("api.shop"), source(namespaces=("shop",)), source(ip_include=("10.0.0.0/8",)), source("nobody.shop"))
LACKS = ("match.path", "match.headers", "match.query", "match.sni", "match.grpc", "match.jwtClaims", "from.namespaces",
         "match.methods", "from.ipBlocks", "jwt", "custom", "audit", "scope", "to.subset", "match.ports")  # fmt: skip
WORDS = (
    OnUnsupported(),
    OnUnsupported(default=Otherwise.DEGRADE),
    OnUnsupported(allow_degrade=("access.*",)),
)


@st.composite
def policies(draw: st.DrawFn) -> AccessPolicy:
    action = draw(st.sampled_from(("Allow", "Deny", "Audit", "Custom")))
    extra: dict[str, Any] = {"provider": "opa"} if action == "Custom" else {}
    if action == "Allow":
        extra = {"jwt": draw(st.sampled_from((None, JWT))), "scopes": draw(st.booleans())}
    subset = draw(st.sampled_from(((), (("version", "v1"),))))
    return access(
        "p",
        to("web.shop", subset=subset, ports=draw(st.sampled_from(((), (80,), ("nope",))))),
        action=action,
        matches=tuple(draw(st.lists(st.sampled_from(MATCHES), max_size=2, unique=True))),
        sources=draw(st.sampled_from((None, *((one,) for one in SOURCES)))),
        on_unsupported=draw(st.sampled_from(WORDS)),
        **extra,
    )


@settings(max_examples=600, deadline=None)
@cases(policies(), st.lists(st.sampled_from(LACKS), max_size=2, unique=True))
def test_a_rule_is_whole_or_refused(policy: AccessPolicy, lacks: list[str]) -> None:
    one = given(policy, adapter=toy({f"access.{path}": Level.NONE for path in lacks}))
    compiled, rules = one.compiled(), one.intent().access
    said = {verdict.capability: verdict.action for verdict in compiled.verdicts}
    assert {use.path for use in access_uses(policy)} <= {_base(path, policy) for path in said}
    if "Refused" in said.values():
        assert not rules
        assert {action for path, action in said.items() if path != "access.scope"} == {"Refused"}
        assert [hold.ref for hold in compiled.holds] == [policy.ref]
        assert policy.action.restricts <= _has_error(compiled)
        return
    dropped = {path for path, action in said.items() if action == "Degraded"}
    assert dropped <= {"access.scope", "access.audit"} or policy.action.value == "Deny"
    if "access.audit" in dropped:
        assert not rules
        return
    (rule,) = rules
    assert (rule.action, rule.provider, rule.jwt) == (policy.action, policy.provider, policy.jwt)
    if not dropped - {"access.scope", "access.audit"}:
        assert {_plain(match) for match in rule.matches} == {_plain(match) for match in policy.matches}


def _base(capability: str, policy: AccessPolicy) -> str:
    """The path of the use that a verdict is about, which may name a finer one."""
    paths = {use.path for use in access_uses(policy)}
    return next(
        (one for one in sorted(paths, key=len, reverse=True) if f"{capability}.".startswith(f"{one}.")), capability
    )


def _plain(match: Match) -> tuple[object, ...]:
    return (
        match.path,
        match.methods,
        match.headers,
        match.query,
        match.sni,
        match.grpc,
        match.jwt_claims,
        match.scheme,
    )


def _has_error(compiled: Compiled) -> bool:
    return any(finding.severity is Severity.ERROR for finding in compiled.findings)
