"""Neutral matches as conditions of a rule. Paths by elements mean the same here; what the API has no word for becomes
a regular expression, whose dialect is each implementation's."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.adapters.expressions import path_expression, value_expression
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.standard.conditions import ANYTHING, EXACT, PREFIX, REGEX, Condition, Value
from reconciler.model.selectors import GrpcMatch, Match, PathKind, PathMatch, ValueMatch

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
#: most headers, or query parameters, of one condition
MOST = 16
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
_REFUSED = ("//", "/./", "/../", "%2f", "%2F", "#")
_SERVICE = re.compile(r"\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*", re.IGNORECASE)
_CALL = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


def conditions(matches: Iterable[Match], gaps: Gaps, *, grpc: bool = False) -> tuple[Condition, ...]:
    """The conditions of a rule; one that every request meets where there are no matches. ``grpc``: of a GRPCRoute."""
    found = [one for match in matches for one in (_calls(match, gaps) if grpc else _requests(match, gaps))]
    return tuple(dict.fromkeys(found)) or (Condition(grpc=("", "")) if grpc else Condition(),)


def says_call(match: Match) -> bool:
    """Whether a GRPCRoute can say a match."""
    return not (match.path or match.methods or match.query or match.authority)


def _calls(match: Match, gaps: Gaps) -> list[Condition]:
    called = match.grpc or GrpcMatch()
    for text, known, what in ((called.service, _SERVICE, "service"), (called.method, _CALL, "method")):
        if text and not known.fullmatch(text):
            gaps.error("mesh-invalid-value", f"not the name of a gRPC {what}: {text!r}")
    return [Condition(headers=_values(match.headers, "header", gaps), grpc=(called.service, called.method))]


def _requests(match: Match, gaps: Gaps) -> list[Condition]:
    _unsayable(match, gaps)
    called = _on_the_wire(match)
    kind, path = _path(called, gaps) if called else (PREFIX, "/")
    base = path if kind != REGEX else ""
    headers = _values(match.headers, "header", gaps)
    if match.authority:
        headers = tuple(sorted({*headers, ("host", EXACT, match.authority)}))
    query = _values(match.query, "query parameter", gaps)
    for method in set(match.methods) - set(METHODS):
        gaps.error("mesh-inexpressible", f"the API cannot match the method {method!r}", hint=f"known: {METHODS}")
    return [Condition(kind, path, method, headers, query, base=base) for method in match.methods or ("",)]


def _on_the_wire(match: Match) -> PathMatch | None:
    """All calls of a gRPC service lie below its name, so that a prefix by elements says the same."""
    if match.grpc and match.grpc.service and not match.grpc.method:
        return PathMatch(PathKind.PREFIX, f"/{match.grpc.service}")
    return match.called


def _unsayable(match: Match, gaps: Gaps) -> None:
    given = (
        ("scheme", bool(match.scheme)),
        ("the name asked for over TLS", bool(match.sni)),
        ("claims of a token", bool(match.jwt_claims)),
    )
    for what, used in given:
        if used:
            gaps.error("mesh-inexpressible", f"the API cannot match requests by {what}")


def _path(path: PathMatch, gaps: Gaps) -> tuple[str, str]:
    if path.ignore_case or path.kind not in (PathKind.EXACT, PathKind.PREFIX):
        return (REGEX, ("(?i)" if path.ignore_case else "") + path_expression(path))
    value = path.value if path.kind is PathKind.EXACT else path.value.rstrip("/") or "/"
    if (
        not value.startswith("/")
        or not _PATH.fullmatch(value)
        or any(part in value for part in _REFUSED)
        or value.endswith(("/.", "/.."))
    ):
        gaps.error("mesh-invalid-value", f"the API does not take this path: {path.value!r}")
    return (EXACT if path.kind is PathKind.EXACT else PREFIX, value)


def _values(values: Iterable[ValueMatch], what: str, gaps: Gaps) -> tuple[Value, ...]:
    found: dict[str, tuple[str, str]] = {}
    for one in values:
        name = one.name.lower() if what == "header" else one.name
        if not _TOKEN.fullmatch(one.name):
            gaps.error("mesh-invalid-value", f"not the name of a {what}: {one.name!r}")
        if one.invert:
            gaps.error("mesh-inexpressible", f"the API cannot ask that {what} {one.name!r} is absent or different")
        said = (EXACT, one.value) if one.kind == "exact" and not one.ignore_case else (REGEX, _value(one))
        if not said[1]:
            gaps.error("mesh-invalid-value", f"the API does not take an empty value of {what} {one.name!r}")
        held = found.setdefault(name, said)
        if held == (REGEX, ANYTHING):
            found[name] = said  # a value covers "present"
        elif said not in (held, (REGEX, ANYTHING)):
            gaps.error("mesh-inexpressible", f"the API takes one condition for each {what}, not two for {name!r}")
    if len(found) > MOST:
        gaps.error("mesh-inexpressible", f"the API takes at most {MOST} conditions on a {what}, not {len(found)}")
    return tuple(sorted((name, kind, value) for name, (kind, value) in found.items()))


def _value(one: ValueMatch) -> str:
    if one.kind == "present":
        return ANYTHING
    return ("(?i)" if one.ignore_case else "") + value_expression(one.kind, one.value)
