"""What is called, as a Permission. The path is asked without its query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.adapters.envoy.spellings import spellings
from reconciler.adapters.envoy.strings import string_matcher
from reconciler.adapters.expressions import quote
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import GrpcMatch, Match, PathKind, PathMatch, ValueMatch

Permission = dict[str, Any]
EVERYTHING: Permission = {"any": True}
NOTHING: Permission = {"not_rule": EVERYTHING}


def permission(match: Match, restricts: bool, gaps: Gaps) -> Permission:
    """Everything that a match asks but its ports and the claims of tokens. ``restricts``: for a rule that refuses, so
    that another spelling of what is asked must not be a way around it."""
    if match.query:
        gaps.error("mesh-inexpressible", "parameters can be written in many ways, and rules see the text alone")
    if match.scheme:
        gaps.error("mesh-inexpressible", "between the proxies the scheme of a request is not that of its caller")
    parts: list[Permission] = []
    if match.grpc is not None:
        parts.append(_called(match.grpc))
    elif match.path is not None:
        parts.append(_path(match.path, restricts, gaps))
    if match.methods:
        parts.append(any_of(_header(":method", {"exact": method}) for method in sorted(set(match.methods))))
    parts += [_value(asked, gaps) for asked in match.headers]
    if match.authority:
        parts.append(_header(":authority", string_matcher("regex", _host(match.authority, restricts))))
    if match.sni:
        parts.append(any_of({"requested_server_name": _server(name)} for name in match.sni))
    return all_of(parts)


def sees_requests(match: Match) -> bool:
    """Whether a match is about requests, and not about connections alone."""
    seen = (match.path, match.grpc, match.methods, match.headers, match.query, match.authority, match.scheme)
    return any(seen) or bool(match.jwt_claims)


def all_of(parts: Iterable[Permission]) -> Permission:
    found = [part for part in parts if part != EVERYTHING]
    return {"and_rules": {"rules": found}} if len(found) > 1 else found[0] if found else EVERYTHING


def any_of(parts: Iterable[Permission]) -> Permission:
    found = list(parts)
    return {"or_rules": {"rules": found}} if len(found) > 1 else found[0] if found else NOTHING


def _called(asked: GrpcMatch) -> Permission:
    if asked.service:
        return _at(string_matcher("exact" if asked.method else "prefix", asked.path.value))
    return _at(string_matcher("regex", f"/[^/]+/{quote(asked.method)}"))


def _path(path: PathMatch, restricts: bool, gaps: Gaps) -> Permission:
    if not path.value:
        gaps.error("mesh-invalid-value", "an empty path matches nothing")
        return NOTHING
    if restricts and path.kind is not PathKind.REGEX and path.value.rstrip("/"):
        return _at(string_matcher("regex", spellings(path), ignore_case=path.ignore_case))
    if path.kind is not PathKind.PREFIX:
        kind = "prefix" if path.kind is PathKind.STRING_PREFIX else path.kind.value
        return _at(string_matcher(kind, path.value, ignore_case=path.ignore_case))
    element = path.value.rstrip("/")
    below = _at(string_matcher("prefix", f"{element}/", ignore_case=path.ignore_case))
    return any_of([_at(string_matcher("exact", element, ignore_case=path.ignore_case)), below]) if element else below


def _at(value: dict[str, Any]) -> Permission:
    return {"url_path": {"path": value}}


def _header(name: str, value: dict[str, Any]) -> Permission:
    return {"header": {"name": name, "string_match": value}}


def _value(asked: ValueMatch, gaps: Gaps) -> Permission:
    """A header that is not there differs from every value, which is what ``invert`` asks."""
    name = ":authority" if asked.name.lower() == "host" else asked.name.lower()
    if asked.kind == "present":
        found: Permission = {"header": {"name": name, "present_match": True}}
    else:
        if asked.kind != "exact" and not asked.value:
            gaps.error("mesh-invalid-value", f"an empty {asked.kind} of header {asked.name!r} says nothing")
        found = _header(name, string_matcher(asked.kind, asked.value, ignore_case=asked.ignore_case))
    return {"not_rule": found} if asked.invert else found


def _host(authority: str, restricts: bool) -> str:
    """Without regard to case, and with any port where none is asked for."""
    port = "" if ":" in authority else "\\.?(:.*)?" if restricts else "(:[0-9]+)?"
    return f"(?i:{quote(authority)}){port}"


def _server(name: str) -> dict[str, Any]:
    return {"suffix": name[1:]} if name.startswith("*.") else {"exact": name}
