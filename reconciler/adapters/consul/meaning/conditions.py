"""``match.http`` of a route or ``http`` of a permission in one form: that of ``adapters/disjoint``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.adapters.disjoint import Condition
from reconciler.adapters.raw import mappings
from reconciler.model.canonical import encode

_PATHS = {"pathExact": "exact", "pathPrefix": "prefix", "pathRegex": "regex"}
_ELSEWHERE = (*_PATHS, "caseInsensitive", "header", "queryParam", "methods")
_KINDS = ("present", "exact", "prefix", "suffix", "regex")
Part = Mapping[str, Any]


def condition(http: Part) -> Condition:
    """Empty for every request. What two conditions are not told apart by stands as it is written."""
    found: Condition = {name: value for name, value in http.items() if name not in _ELSEWHERE}
    path = next(((_PATHS[name], http[name]) for name in _PATHS if name in http), ("prefix", "/"))
    if path != ("prefix", "/"):
        found["uri"] = {path[0]: path[1]}
        found |= {"ignoreUriCase": True} if http.get("caseInsensitive") else {}
    if http.get("methods"):
        found["method"] = sorted({str(method).upper() for method in http["methods"]})
    _add_headers(found, mappings(http.get("header")))
    for one in mappings(http.get("queryParam")):
        _add(found, "queryParams", str(one["name"]), one)
    if "more" in found:
        found["more"] = sorted(found["more"], key=encode)
    return found


def _add_headers(found: Condition, given: list[Part]) -> None:
    for one in given:
        name, kind = str(one["name"]).lower(), _kind(one)
        absent = {key: value for key, value in one.items() if key != "name"} == {"present": True, "invert": True}
        if absent and name not in found.setdefault("withoutHeaders", {}):
            found["withoutHeaders"][name] = {}
        elif kind and not one.get("invert") and not one.get("ignoreCase"):
            _add(found, "headers", name, one)
        else:
            found.setdefault("more", []).append({**one, "name": name})
    if found.get("withoutHeaders") == {}:
        del found["withoutHeaders"]


def _add(found: Condition, where: str, name: str, one: Part) -> None:
    """By its name; a second one of a name is only kept."""
    held, said = found.setdefault(where, {}), {key: value for key, value in one.items() if key != "name"}
    if name in held and held[name] != said:
        found.setdefault("more", []).append({"of": where, **one, "name": name})
    else:
        held[name] = said


def _kind(one: Part) -> str:
    """How a value is asked for; "" where it is in another way than these, or in several."""
    found = [kind for kind in _KINDS if kind in one]
    return found[0] if len(found) == 1 and one.keys() <= {"name", found[0]} else ""
