"""Neutral matches as ``RouteMatch``; and where a neutral route has none, the one that every request meets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from reconciler.adapters.envoy.ports import Called, number_of
from reconciler.adapters.envoy.queries import query_conditions
from reconciler.adapters.envoy.strings import one_of, string_matcher
from reconciler.adapters.expressions import quote
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

EVERY = {"prefix": "/"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def is_about(match: Match, called: Called, gaps: Gaps) -> bool:
    """Whether requests for a port can meet a match."""
    numbers = {number_of(port, called.service) for port in match.ports}
    if None in numbers:
        unknown = ", ".join(sorted(str(port) for port in match.ports if number_of(port, called.service) is None))
        gaps.error("mesh-inexpressible", f"no port of {called.service.ref.label} is named {unknown}")
    return not match.ports or called.port.number in numbers


def route_match(match: Match, gaps: Gaps) -> dict[str, Any]:
    if match.sni or match.jwt_claims:
        what = "the name that a caller asks for over TLS" if match.sni else "the claims of a token"
        gaps.error("mesh-inexpressible", f"inside the mesh requests cannot be routed by {what}")
    named, unnamed = query_conditions(match.query, gaps)
    headers = [*_pseudo(match), *_headers(match.headers, gaps), *unnamed]
    conditions = {"headers": headers, "query_parameters": named}
    path = _path(match.called, gaps) if match.called else EVERY
    return path | {name: found for name, found in conditions.items() if found}


def _path(path: PathMatch, gaps: Gaps) -> dict[str, Any]:
    if path.kind not in (PathKind.REGEX, PathKind.SUFFIX) and not path.value.startswith("/"):
        gaps.error("mesh-invalid-value", f"a path begins with a slash: {path.value!r}")
    if not path.value:
        gaps.error("mesh-invalid-value", "an empty path matches nothing")
    cased = {"case_sensitive": False} if path.ignore_case else {}
    match path.kind:
        case PathKind.EXACT:
            return {"path": path.value, **cased}
        case PathKind.STRING_PREFIX:
            return {"prefix": path.value, **cased}
        case PathKind.PREFIX:
            element = path.value.rstrip("/")
            return {"path_separated_prefix": element, **cased} if element else EVERY
        case kind:
            text = path.value if kind is PathKind.REGEX else f".*{quote(path.value)}"
            return string_matcher("regex", text, ignore_case=path.ignore_case)


def _pseudo(match: Match) -> Iterable[dict[str, Any]]:
    if match.methods:
        yield {"name": ":method", "string_match": one_of(match.methods)}
    for name, value in ((":authority", match.authority), (":scheme", match.scheme)):
        if value:
            yield {"name": name, "string_match": {"exact": value}}


def _headers(headers: Iterable[ValueMatch], gaps: Gaps) -> Iterable[dict[str, Any]]:
    for header in headers:
        if not _TOKEN.fullmatch(header.name):
            gaps.error("mesh-invalid-value", f"not the name of a header: {header.name!r}")
        yield _header(header, gaps)


def _header(header: ValueMatch, gaps: Gaps) -> dict[str, Any]:
    """A header that is not there differs from every value, which is what ``invert`` asks."""
    name = ":authority" if header.name.lower() == "host" else header.name.lower()
    if header.kind == "present":
        return {"name": name, "present_match": not header.invert}
    if header.kind != "exact" and not header.value:
        gaps.error("mesh-invalid-value", f"an empty {header.kind} of header {header.name!r}")
    value = string_matcher(header.kind, header.value, ignore_case=header.ignore_case)
    absent = {"invert_match": True, "treat_missing_header_as_empty": True} if header.invert else {}
    if header.invert and not header.value:
        gaps.error("mesh-inexpressible", f"the mesh takes a header {header.name!r} that is not there for an empty one")
    return {"name": name, "string_match": value, **absent}
