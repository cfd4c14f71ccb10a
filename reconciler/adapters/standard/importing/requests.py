"""``matches[]`` as neutral matches. Prefixes by elements mean the same here and there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Unsayable, only
from reconciler.adapters.shortened import request

_PATHS = {"Exact": "exact", "PathPrefix": "prefix", "RegularExpression": "regex"}


def matches(given: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Items of ``match``; empty for every request."""
    found = [_match(one) for one in given]
    return [] if {} in found else [request(one) for one in found]


def calls(given: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The same of a GRPCRoute."""
    found = [_call(one) for one in given]
    return [] if {} in found else found


def _call(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("method", "headers"), "matches")
    method = {key: value for key, value in (given.get("method") or {}).items() if value}
    if method.pop("type", "Exact") != "Exact":
        raise Unsayable("no neutral field covers a pattern of gRPC calls")
    made: dict[str, Any] = {"grpc": method} if method else {}
    return made | ({"headers": [_value(one) for one in given["headers"]]} if given.get("headers") else {})


def _match(given: Mapping[str, Any]) -> dict[str, Any]:
    only(given, ("path", "method", "headers", "queryParams"), "matches")
    made: dict[str, Any] = {}
    path = given.get("path") or {}
    kind, value = path.get("type", "PathPrefix"), path.get("value", "/")
    if kind not in _PATHS:
        raise Unsayable(f"no neutral field covers a path of type {kind}")
    if (kind, value) != ("PathPrefix", "/"):
        made["path"] = {_PATHS[kind]: value if kind != "PathPrefix" else value.rstrip("/")}
    if given.get("method"):
        made["methods"] = [given["method"]]
    if given.get("headers"):
        made["headers"] = [_value(one) for one in given["headers"]]
    if given.get("queryParams"):
        made["query"] = [_value(one) for one in given["queryParams"]]
    return made


def _value(given: Mapping[str, Any]) -> dict[str, Any]:
    kind, name, value = given.get("type", "Exact"), given["name"], given.get("value")
    if kind == "RegularExpression" and value == ".*":
        return {"name": name, "present": True}
    return {"name": name, ("exact" if kind == "Exact" else "regex"): value}
