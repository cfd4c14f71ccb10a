"""What ``http[]`` does with the requests of one condition, in one form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from reconciler.adapters.importing import Scene
from reconciler.adapters.istio.meaning.names import full_host

Action = dict[str, Any]
#: expressions over a path that replace all of it, or what it begins with
_WHOLE = "^/.*$"
_HEAD = re.compile(r"\^((?:[^\\.+*?()|\[\]{}^$]|\\[\\.+*?()|\[\]{}^$])*)\(\.\*\)\$")
_NOT_PLAIN = re.compile(r"\\[^\\]|\\$")
_SAID_ELSEWHERE = ("name", "match", "mirror", "mirrorPercent", "mirrorPercentage", "mirror_percent")


def action(http: Mapping[str, Any], found: Mapping[str, Any], namespace: str, scene: Scene) -> Action:
    """``found`` is the condition: what a rewrite replaces depends on it."""
    made: Action = {key: value for key, value in http.items() if key not in _SAID_ELSEWHERE and value not in ({}, [])}

    def to(destination: Mapping[str, Any]) -> dict[str, Any]:
        return {**destination, "host": full_host(str(destination.get("host", "")), namespace, scene)}

    if "route" in made:
        made["route"] = _routes(made["route"], to)
    if mirrors := _mirrors(http, to):
        made["mirrors"] = mirrors
    if "retries" in made:
        made["retries"] = _retries(made["retries"])
    if "fault" in made:
        made["fault"] = {name: _fault(part) for name, part in made["fault"].items()}
    if "rewrite" in made:
        made["rewrite"] = _rewrite(made["rewrite"], found)
    if "headers" in made:
        made["headers"] = _headers(made["headers"])
    if "redirect" in made:
        made["redirect"] = {"redirectCode": 301, **made["redirect"]}
    return {key: value for key, value in made.items() if value not in (None, {}, [])}


def _routes(routes: list[Mapping[str, Any]], to: Callable[[Mapping[str, Any]], Any]) -> list[Any]:
    """Shares of the whole, in any order; a single destination has it all."""
    total = sum(int(one.get("weight") or 0) for one in routes)
    found = []
    for one in routes:
        share = Fraction(int(one.get("weight") or 0), total) if total and len(routes) > 1 else Fraction(1)
        rest = {key: value for key, value in one.items() if key not in ("weight", "destination", "headers")}
        headers = _headers(one.get("headers") or {})
        found.append({**rest, "to": to(one.get("destination") or {}), "share": str(share), "headers": headers})
    return sorted(found, key=str)


def _mirrors(http: Mapping[str, Any], to: Callable[[Mapping[str, Any]], Any]) -> list[Any]:
    given = [dict(one) for one in http.get("mirrors") or ()]
    if http.get("mirror"):
        percents = (http.get(key) for key in ("mirrorPercent", "mirror_percent"))
        whole = next((percent for percent in percents if percent is not None), None)
        share = http.get("mirrorPercentage", {"value": whole} if whole is not None else None)
        given.append({"destination": http["mirror"], "percentage": share})
    return [
        {**one, "destination": to(one.get("destination") or {}), "percentage": _percent(one.get("percentage"), 100)}
        for one in given
    ]


def _percent(given: Any, missing: float) -> float:
    """A message without its value says 0; one that is left out says what its field takes for that."""
    return float(given.get("value") or 0) if isinstance(given, Mapping) else float(missing)


def _retries(given: Mapping[str, Any]) -> dict[str, Any]:
    if int(given.get("attempts") or 0) <= 0:
        return {"attempts": 0}
    conditions = sorted({part.strip() for part in str(given.get("retryOn") or "").split(",")} - {""})
    rest = {key: value for key, value in given.items() if key != "retryOn"}
    return rest | ({"retryOn": conditions} if conditions else {})


def _fault(given: Mapping[str, Any]) -> dict[str, Any]:
    whole = float(given.get("percent") or 0)
    rest = {key: value for key, value in given.items() if key not in ("percent", "percentage")}
    return rest | {"percentage": _percent(given.get("percentage"), whole)}


def _headers(given: Mapping[str, Any]) -> dict[str, Any]:
    """The order of names to remove says nothing, nor does an operation on none."""
    found = {}
    for side, operations in given.items():
        made = {name: sorted(what) if isinstance(what, list) else what for name, what in (operations or {}).items()}
        found[side] = {name: what for name, what in made.items() if what}
    return {side: operations for side, operations in found.items() if operations}


def _rewrite(given: Mapping[str, Any], found: Mapping[str, Any]) -> Any:
    """``{path: [what is replaced, by what]}``. ``uri`` replaces what the condition matched: a prefix, or all."""
    made = {key: value for key, value in given.items() if key not in ("uri", "uriRegexRewrite")}
    if "uriRegexRewrite" in given:
        return made | {"path": _by_expression(given["uriRegexRewrite"])}
    if "uri" in given:
        return made | {"path": _by_match(str(given["uri"]), found)}
    return made


def _by_match(target: str, found: Mapping[str, Any]) -> list[Any]:
    uri = found.get("uri") or {"prefix": "/"}
    if "prefix" in uri:
        return ["head", uri["prefix"], target, bool(found.get("ignoreUriCase"))]
    return ["whole", target]


def _by_expression(given: Mapping[str, Any]) -> list[Any]:
    pattern, target = str(given.get("match", "")), str(given.get("rewrite", ""))
    head = _HEAD.fullmatch(pattern)
    if pattern == _WHOLE and not _NOT_PLAIN.search(target.replace("\\\\", "")):
        return ["whole", target.replace("\\\\", "\\")]
    if head and target.endswith("\\1") and "\\" not in target[:-2]:
        return ["head", re.sub(r"\\(.)", r"\1", head[1]), target[:-2], False]
    return ["expression", pattern, target]
