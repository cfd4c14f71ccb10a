"""What is called, as ``rules[].to[].operation`` and ``rules[].when[]``.

Values of Istio's authorization are exact, ``x*``, ``*x`` or ``*``; there are no regular expressions and no way to
ignore case. Its path prefix is by characters, so the neutral ``/api`` becomes ``/api`` and ``/api/*``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.tokens import claim
from reconciler.model.access import AccessAction
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

Operation = dict[str, Any]
Condition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One neutral match: an operation without ports (empty: any) and conditions that hold besides."""

    operation: Operation
    conditions: list[Condition]
    token: bool = False  # a token is required besides

    @property
    def sees_http(self) -> bool:
        """Whether it is about requests, not about connections alone."""
        return bool(self.operation or self.token) or any(one["key"].startswith("request.") for one in self.conditions)


def request(match: Match, action: AccessAction, gaps: Gaps) -> Request:
    """A match as far as it is about requests. Gaps for what the mesh cannot say."""
    if match.query:
        gaps.error("mesh-inexpressible", "access by query parameter is not something that the mesh knows")
    if match.scheme:
        gaps.error("mesh-inexpressible", "access by scheme is not something that the mesh knows")
    operation: Operation = {}
    if match.methods:
        operation["methods"] = sorted(set(match.methods))
    if match.called:
        operation["paths"] = _paths(match.called, gaps)
    if match.authority:
        operation["hosts"] = _hosts(match.authority, action, gaps)
    conditions = [_condition(header, gaps) for header in match.headers]
    conditions += [claim(one) for one in match.jwt_claims]
    if match.sni:
        conditions.append({"key": "connection.sni", "values": list(match.sni)})
    return Request(operation, conditions)


def _paths(path: PathMatch, gaps: Gaps) -> list[str]:
    if path.ignore_case:
        gaps.error("mesh-inexpressible", "access by path cannot ignore case")
    _literal(path.value, "path", gaps)
    match path.kind:
        case PathKind.EXACT:
            return [path.value]
        case PathKind.PREFIX:
            element = path.value.rstrip("/")
            return [element, f"{element}/*"] if element else ["/*"]
        case PathKind.STRING_PREFIX:
            return [f"{path.value}*"]
        case PathKind.SUFFIX:
            return [f"*{path.value}"]
        case _:
            gaps.error("mesh-inexpressible", "access by a path expression is not something that the mesh knows")
            return []


def _hosts(authority: str, action: AccessAction, gaps: Gaps) -> list[str]:
    """A caller may write the port behind the name, which must not be a way around a rule that restricts."""
    _literal(authority, "authority", gaps)
    if action is not AccessAction.ALLOW and ":" not in authority:
        return [authority, f"{authority}:*"]
    return [authority]


def _condition(header: ValueMatch, gaps: Gaps) -> Condition:
    if header.ignore_case:
        gaps.error("mesh-inexpressible", f"access by header {header.name!r} cannot ignore case")
    if header.kind != "regex":
        _literal(header.value, f"header {header.name!r}", gaps, empty=header.kind == "present")
    match header.kind:
        case "exact":
            value = header.value
        case "prefix":
            value = f"{header.value}*"
        case "suffix":
            value = f"*{header.value}"
        case "present":
            value = "*"
        case _:
            gaps.error("mesh-inexpressible", f"access by an expression over header {header.name!r} cannot be said")
            value = ""
    key = f"request.headers[{header.name.lower()}]"
    return {"key": key, "notValues" if header.invert else "values": [value]}


def _literal(value: str, what: str, gaps: Gaps, *, empty: bool = False) -> None:
    """A ``*`` of the user's would be read as a wildcard, and braces around one as a template."""
    if "*" in value:
        gaps.error("mesh-inexpressible", f"a {what} with a * in it would be read as a wildcard: {value!r}")
    if not value and not empty:
        gaps.error("mesh-invalid-value", f"an empty {what} matches nothing")
