"""Which arriving requests a filter is for, as predicates of the proxies' matchers: true, false, or a mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from reconciler.adapters.expressions import QUERY, quote, target_expression
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.proxy_patches import Native, typed
from reconciler.model.intents import Route
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

Predicate = bool | Native
_HEADER = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput"
_SKIP = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter"
_GUARDED = "envoy.extensions.common.matching.v3.ExtensionWithMatcher"


def all_of(parts: Iterable[Predicate]) -> Predicate:
    return _joined(parts, "and_matcher", neutral=True)


def any_of(parts: Iterable[Predicate]) -> Predicate:
    return _joined(parts, "or_matcher", neutral=False)


def _joined(parts: Iterable[Predicate], name: str, *, neutral: bool) -> Predicate:
    """What decides alone is the answer; what changes nothing is left out."""
    left: list[Native] = []
    for part in parts:
        if isinstance(part, bool):
            if part is not neutral:
                return part
        elif part not in left:
            left.append(part)
    if len(left) < 2:
        return left[0] if left else neutral
    return {name: {"predicate": left}}


def negated(part: Predicate) -> Predicate:
    if isinstance(part, bool):
        return not part
    return part["not_matcher"] if set(part) == {"not_matcher"} else {"not_matcher": part}


def carried(routes: Sequence[tuple[Predicate, bool]]) -> Predicate:
    """When a request is for a filter: the first route that takes the request carries it. The last takes the rest."""
    found: Predicate = False
    for taken, carries in reversed(routes):
        found = any_of([taken, found]) if carries else all_of([negated(taken), found])
    return found


def taken(route: Route, ports: Collection[int], gaps: Gaps) -> Predicate:
    """Whether a route takes a request that came for one of these ports of the service."""
    if not route.matches:
        return True
    return any_of(_met(match, gaps) for match in route.matches if not match.ports or set(match.ports) & set(ports))


def guarded(name: str, config: Native, when: Predicate) -> Native:
    """A filter for the requests that meet a predicate, which is not false; it is skipped for all others."""
    plain = {"name": name, "typed_config": config}
    if when is True:
        return plain
    skip = {"action": {"name": "skip", "typed_config": typed(_SKIP, {})}}
    matcher = {"matcher_list": {"matchers": [{"predicate": negated(when), "on_match": skip}]}}
    return {"name": name, "typed_config": typed(_GUARDED, {"extension_config": plain, "xds_matcher": matcher})}


def _met(match: Match, gaps: Gaps) -> Predicate:
    if replace(match, path=None, grpc=None, methods=(), headers=(), authority="", ports=()) != Match():
        gaps.error("mesh-inexpressible", "where requests arrive, the mesh tells them by path, method, headers and host")
    parts: list[Predicate] = []
    if match.grpc is not None and not match.grpc.service:
        parts.append(_header(":path", {"safe_regex": _regex(f"/[^/?]+/{quote(match.grpc.method)}{QUERY}")}))
    elif match.called is not None:
        parts.append(_header(":path", {"safe_regex": _regex(_path(match.called, gaps))}))
    if match.methods:
        parts.append(any_of(_header(":method", {"exact": method}) for method in match.methods))
    if match.authority:
        parts.append(host_is(match.authority))
    parts += [_value(header) for header in match.headers]
    return all_of(parts)


def host_is(host: str) -> Predicate:
    """Whether a request is for a host, or for one of ``*.suffix``, on any port."""
    if host == "*":
        return True
    text = f".+{quote(host[1:])}" if host.startswith("*.") else quote(host)
    return _header(":authority", {"safe_regex": _regex(f"(?i){text}(:[0-9]+)?")})


def _path(path: PathMatch, gaps: Gaps) -> str:
    """The proxies see path and query as one."""
    if path.kind is PathKind.REGEX:
        gaps.error("mesh-inexpressible", "where requests arrive, an expression cannot tell the path from the query")
        return ""
    said = target_expression(path)
    return f"(?i){said}" if path.ignore_case else said


def _value(header: ValueMatch) -> Predicate:
    match header.kind:
        case "exact" | "prefix" | "suffix":
            said: Native = {header.kind: header.value}
        case "regex":
            said = {"safe_regex": _regex(header.value)}
        case _:
            said = {"safe_regex": _regex(".*")}
    if header.ignore_case and header.kind != "present":
        said = {"safe_regex": _regex(f"(?i){header.value}")} if header.kind == "regex" else said | {"ignore_case": True}
    found = _header(header.name.lower(), said)
    return negated(found) if header.invert else found


def _regex(text: str) -> Native:
    return {"google_re2": {}, "regex": text}


def _header(name: str, said: Native) -> Native:
    read = {"name": name, "typed_config": typed(_HEADER, {"header_name": name})}
    return {"single_predicate": {"input": read, "value_match": said}}
