"""Conditions of routes and permissions as neutral matches. Each of them has one condition of a kind, so that what is
asked for in two ways is two of them: a path and all below it is one prefix by elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Unsayable, only
from reconciler.adapters.shortened import request
from reconciler.model.canonical import encode

_PATHS = {"pathExact": "exact", "pathPrefix": "stringPrefix", "pathRegex": "regex", "elements": "prefix"}
_KINDS = ("exact", "prefix", "suffix", "regex", "present")
Part = Mapping[str, Any]


def matches(given: Sequence[Part], known: Sequence[str]) -> list[Any]:
    """Items of ``match``; empty for every request. ``known``: the fields that such a condition may have."""
    plain = [one for each in given if (one := _whole(each, given)) is not None]
    found = [_match(one, known) for one in plain]
    return [] if {} in found else [request(one) for one in found]


def _whole(one: Part, others: Sequence[Part]) -> Part | None:
    """``/api`` beside all below ``/api/``: the first becomes ``elements``, the second goes."""
    if "pathExact" in one and _without(one, pathPrefix=f"{one['pathExact']}/") in map(encode, others):
        return {**{key: value for key, value in one.items() if key != "pathExact"}, "elements": one["pathExact"]}
    prefix = str(one.get("pathPrefix", ""))
    pair = len(prefix) > 1 and prefix.endswith("/") and _without(one, pathExact=prefix[:-1]) in map(encode, others)
    return None if pair else one


def _without(one: Part, **path: str) -> str:
    """The text of a condition that is like another but for its path."""
    return encode({key: value for key, value in one.items() if key not in _PATHS} | path)


def _match(given: Part, known: Sequence[str]) -> dict[str, Any]:
    only(given, ("elements", *known), "match.http")
    made: dict[str, Any] = {}
    paths = [(_PATHS[key], str(value)) for key, value in given.items() if key in _PATHS and value]
    if len(paths) > 1:
        raise Unsayable("a condition asks for a path in several ways")
    if paths and paths[0] != ("stringPrefix", "/"):
        made["path"] = dict(paths)
    if given.get("methods"):
        made["methods"] = list(given["methods"])
    headers = [_header(one) for one in given.get("header") or ()]
    called = [one["exact"] for one in headers if one["name"] == ":authority" and one.keys() == {"name", "exact"}]
    if len(called) == 1:
        made["authority"] = called[0]
        headers = [one for one in headers if one["name"] != ":authority"]
    if headers:
        made["headers"] = [{**one, "name": "host"} if one["name"] == ":authority" else one for one in headers]
    if given.get("queryParam"):
        made["query"] = [_value(one, _KINDS) for one in given["queryParam"]]
    return made


def _header(one: Part) -> dict[str, Any]:
    made = _value(one, (*_KINDS, "invert"))
    if made.get("invert") and "present" not in made:
        raise Unsayable("what becomes of an inverted header that is absent is not said")
    return made


def _value(one: Part, known: Sequence[str]) -> dict[str, Any]:
    only(one, ("name", *known), "match.http.header")
    made = {key: one[key] for key in ("name", *known) if one.get(key)}
    if len(made.keys() & set(_KINDS)) != 1:
        raise Unsayable(f"the value of {one['name']} is asked for in several ways, or in none")
    return made
