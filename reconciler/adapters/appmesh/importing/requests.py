"""``match`` of a route as a neutral match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.importing import Unsayable, only

_FIELDS = ("prefix", "path", "method", "headers", "queryParameters", "port")
_KINDS = ("exact", "prefix", "suffix", "regex")
Part = Mapping[str, Any]


def match(given: Part, ports: int) -> dict[str, Any]:
    """Empty for every request. ``ports``: how many the router listens on; with one there is none to tell apart."""
    only(given, _FIELDS, "match")
    made = _path(given)
    if given.get("method"):
        made["methods"] = [given["method"]]
    if given.get("headers"):
        made["headers"] = [_header(one) for one in given["headers"]]
    if given.get("queryParameters"):
        made["query"] = [_parameter(one) for one in given["queryParameters"]]
    return made | ({"ports": [given["port"]]} if given.get("port") and ports > 1 else {})


def _path(given: Part) -> dict[str, Any]:
    path = given.get("path") or {}
    only(path, ("exact", "regex"), "match.path")
    if path:
        return {"path": dict(path)}
    prefix = str(given.get("prefix") or "/")
    return {} if prefix == "/" else {"path": {"stringPrefix": prefix}}


def _header(one: Part) -> dict[str, Any]:
    only(one, ("name", "match", "invert"), "headers")
    if one.get("invert"):
        raise Unsayable("what becomes of an inverted header that is absent is not said")
    said = one.get("match") or {}
    only(said, _KINDS, "headers.match")
    return {"name": one["name"]} | (dict(said) if said else {"present": True})


def _parameter(one: Part) -> dict[str, Any]:
    only(one, ("name", "match"), "queryParameters")
    if "exact" not in (one.get("match") or {}):
        raise Unsayable(f"query parameter {one.get('name')} has no exact value")
    return {"name": one["name"], "exact": one["match"]["exact"]}
