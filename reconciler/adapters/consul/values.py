"""Conditions on requests as Consul has them: of a header or a parameter, and of the path. Each route or permission has
one condition of a kind, so that what holds in either of two ways becomes two of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from reconciler.adapters.expressions import path_expression, value_expression
from reconciler.adapters.gaps import Gaps
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

Native = dict[str, Any]


def called(match: Match) -> PathMatch | None:
    """The path that is asked for. All calls of a gRPC service lie below its name."""
    if match.grpc and match.grpc.service and not match.grpc.method:
        return PathMatch(PathKind.STRING_PREFIX, f"/{match.grpc.service}/")
    return match.called


def unseen(match: Match) -> list[str]:
    """What a match asks for that neither routes nor permissions see, in words."""
    given = (
        ("their scheme", bool(match.scheme)),
        ("their port: a service of the mesh has one", bool(match.ports)),
        ("the name asked for over TLS", bool(match.sni)),
    )
    return [what for what, used in given if used]


def paths(path: PathMatch | None, gaps: Gaps) -> list[Native]:
    """The ways in which a path may match: a prefix is of characters here, so one of elements is a path and a prefix."""
    if path is None:
        return [{}]
    if path.kind is not PathKind.REGEX and not path.value.startswith("/") and path.kind is not PathKind.SUFFIX:
        gaps.error("mesh-invalid-value", f"a path begins with a slash: {path.value!r}")
    if path.ignore_case:
        return [{"pathRegex": f"(?i){path_expression(path)}"}]
    match path.kind:
        case PathKind.EXACT:
            return [{"pathExact": path.value}]
        case PathKind.STRING_PREFIX:
            return [{"pathPrefix": path.value}]
        case PathKind.PREFIX:
            element = path.value.rstrip("/")
            return [{"pathExact": element}, {"pathPrefix": f"{element}/"}] if element else [{"pathPrefix": "/"}]
        case _:
            return [{"pathRegex": path_expression(path)}]


def headers(asked: Iterable[ValueMatch], gaps: Gaps) -> list[list[Native]]:
    """The ways in which all of the headers may match. One that is to be different may also not be there, of which
    proxies have not always been of one mind, so both are said."""
    return [list(way) for way in product(*(_header(one, gaps) for one in asked))]


def _header(one: ValueMatch, gaps: Gaps) -> list[Native]:
    name = ":authority" if one.name.lower() == "host" else one.name
    if one.kind == "present":
        return [{"name": name, "present": True} | ({"invert": True} if one.invert else {})]
    if not one.value:
        gaps.error("mesh-inexpressible", f"the mesh cannot match an empty value of header {one.name!r}")
    found = {"name": name} | _value(one)
    return [{"name": name, "present": True, "invert": True}, found | {"invert": True}] if one.invert else [found]


def _value(one: ValueMatch) -> Native:
    if not one.ignore_case or one.kind == "regex":
        flag = "(?i)" if one.ignore_case else ""
        return {one.kind: f"{flag}{one.value}"}
    return {"regex": f"(?i){value_expression(one.kind, one.value)}"}


def parameter(one: ValueMatch, gaps: Gaps) -> Native:
    """Of a query, which has neither prefixes nor negation here."""
    if one.invert:
        gaps.error(
            "mesh-inexpressible", f"the mesh cannot ask that query parameter {one.name!r} is absent or different"
        )
    if one.kind == "present":
        return {"name": one.name, "present": True}
    if not one.value:
        gaps.error("mesh-inexpressible", f"the mesh cannot match an empty value of query parameter {one.name!r}")
    if one.kind == "exact" and not one.ignore_case:
        return {"name": one.name, "exact": one.value}
    return {"name": one.name, "regex": f"{'(?i)' if one.ignore_case else ''}{value_expression(one.kind, one.value)}"}
