"""Rules of a route as (condition, action): the highest condition takes a request, of equal ones the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import groupby
from typing import Any

from reconciler.adapters.durations import canonical
from reconciler.model.canonical import encode

Part = Mapping[str, Any]
Unit = tuple[dict[str, Any], dict[str, Any]]
_EVERY = [{"path": {"type": "PathPrefix", "value": "/"}}]


def units(rules: Iterable[Part], namespace: str, *, grpc: bool) -> list[dict[str, Any]]:
    """By rank. Of the same rank, those that do the same or share no request stand in the order of their text."""
    done: list[Unit] = []
    for _, several in groupby(sorted(declared(rules, namespace, grpc=grpc), key=_rank), key=_rank):
        same_rank = list(several)
        free = all(_free(one, other) for one in same_rank for other in same_rank)
        done += sorted(same_rank, key=encode) if free else same_rank
    return [{"when": when, "then": then} for when, then in done]


def declared(rules: Iterable[Part], namespace: str, *, grpc: bool) -> list[Unit]:
    """In the order in which they are written; of two that ask the same, the first."""
    found: dict[str, Unit] = {}
    for rule in rules:
        for match in rule.get("matches") or ([{}] if grpc else _EVERY):
            condition = _call(match) if grpc else _condition(match)
            found.setdefault(encode(condition), (condition, _action(rule, namespace)))
    return list(found.values())


def _condition(match: Part) -> dict[str, Any]:
    path = {"type": "PathPrefix", "value": "/", **(match.get("path") or {})}
    if path["type"] == "PathPrefix":
        path["value"] = path["value"].rstrip("/") or "/"
    rest = {key: value for key, value in match.items() if key not in ("path", "headers", "queryParams") and value}
    headers = {str(one["name"]).lower(): one for one in reversed(match.get("headers") or [])}
    query = {str(one["name"]): one for one in reversed(match.get("queryParams") or [])}
    return {**rest, "path": path, "headers": _values(headers), "query": _values(query)}


def _call(match: Part) -> dict[str, Any]:
    """One of a GRPCRoute."""
    method = {key: value for key, value in (match.get("method") or {}).items() if value}
    headers = {str(one["name"]).lower(): one for one in reversed(match.get("headers") or [])}
    rest = {key: value for key, value in match.items() if key not in ("method", "headers") and value}
    called = {"type": "Exact", **method} if method.keys() - {"type"} else {}
    return {**rest, "call": called, "headers": _values(headers), "query": {}}


def _values(given: Mapping[str, Part]) -> dict[str, Any]:
    """Of two conditions on one name the first counts."""
    return {name: [one.get("type", "Exact"), one.get("value")] for name, one in sorted(given.items())}


def _rank(unit: Unit) -> tuple[Any, ...]:
    """Highest first. Where an expression stands is left to each implementation: such units keep their own order."""
    one = unit[0]
    if "call" in one:
        return (-len(one["call"].get("service", "")), -len(one["call"].get("method", "")), -len(one["headers"]))
    kind, value = one["path"]["type"], one["path"]["value"]
    size = len(value.rstrip("/")) if kind == "PathPrefix" else 0
    order = {"Exact": 0, "PathPrefix": 2}.get(kind, 1)
    return (order, -size, "method" not in one, -len(one["headers"]), -len(one["query"]))


def _free(one: Unit, other: Unit) -> bool:
    """Whether it does not matter which of two of one rank comes first."""
    if one is other or encode(one[1]) == encode(other[1]):
        return True
    mine, its = one[0], other[0]
    if "call" in mine:  # of one rank, so that both say the same parts of a call or neither does
        return bool(mine["call"] != its["call"] and mine["call"].get("type") == its["call"].get("type") == "Exact")
    plain = "Exact", "PathPrefix"
    if mine["path"]["type"] in plain and its["path"]["type"] in plain and mine["path"] != its["path"]:
        return True  # of one rank they are of one kind and, as prefixes, of one length
    if mine.get("method", "") != its.get("method", "") and "method" in mine and "method" in its:
        return True
    return any(
        held[0] == "Exact" and its[part].get(name, held)[0] == "Exact" and its[part].get(name, held) != held
        for part in ("headers", "query")
        for name, held in mine[part].items()
    )


def _action(rule: Part, namespace: str) -> dict[str, Any]:
    made = {key: value for key, value in rule.items() if key not in ("name", "matches", "backendRefs", "filters")}
    made["filters"] = sorted((_filter(one, namespace) for one in rule.get("filters") or ()), key=encode)
    made["backends"] = _backends(rule.get("backendRefs") or [], namespace)
    if "timeouts" in made:
        made["timeouts"] = {name: canonical(str(value)) for name, value in made["timeouts"].items()}
    return {key: value for key, value in made.items() if value not in (None, {}, [])}


def _backends(given: list[Part], namespace: str) -> list[Any]:
    total = sum(int(one.get("weight", 1)) for one in given)
    found = []
    for one in given:
        share = Fraction(int(one.get("weight", 1)), total) if total else Fraction(0)
        filters = sorted((_filter(item, namespace) for item in one.get("filters") or ()), key=encode)
        found.append({**_reference(one, namespace), "share": str(share), "filters": filters})
    return sorted(found, key=encode)


def _reference(one: Part, namespace: str) -> dict[str, Any]:
    rest = {key: value for key, value in one.items() if key not in ("weight", "filters")}
    return {"group": "", "kind": "Service", "namespace": namespace, **rest}


def _filter(given: Part, namespace: str) -> dict[str, Any]:
    kind = str(given.get("type", ""))
    made = {key: value for key, value in given.items() if value is not None}
    if kind in ("RequestHeaderModifier", "ResponseHeaderModifier"):
        field = f"{kind[0].lower()}{kind[1:]}"
        made[field] = {name: sorted(items, key=encode) for name, items in (given.get(field) or {}).items() if items}
    if kind == "RequestMirror":
        made["requestMirror"] = _mirror(given.get("requestMirror") or {}, namespace)
    if kind == "CORS":
        said = given.get("cors") or {}
        made["cors"] = {name: value for name, value in said.items() if value not in (False, [], None)}
    if kind == "RequestRedirect":
        made["requestRedirect"] = {"statusCode": 302, **(given.get("requestRedirect") or {})}
    return made


def _mirror(given: Part, namespace: str) -> dict[str, Any]:
    share = Fraction(str(given.get("percent", 100))) / 100
    if fraction := given.get("fraction"):
        share = Fraction(int(fraction["numerator"]), int(fraction.get("denominator", 100)))
    return {"to": _reference(given.get("backendRef") or {}, namespace), "share": str(share)}
