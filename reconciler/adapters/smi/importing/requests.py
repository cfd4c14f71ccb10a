"""Conditions of an HTTPRouteGroup as neutral matches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.expressions import quote
from reconciler.adapters.importing import Unsayable, only
from reconciler.adapters.shortened import request
from reconciler.adapters.smi.meaning.expressions import ALL, whole

Part = Mapping[str, Any]
_PREFIX = "(/.*)?"


def matches(given: Sequence[Part], product: str) -> list[Any]:
    """Items of ``match``; empty for every request."""
    found = [_match(one, product) for one in given]
    return [] if {} in found else [request(one) for one in found]


def _match(given: Part, product: str) -> dict[str, Any]:
    only(given, ("name", "pathRegex", "methods", "headers"), "matches")
    made: dict[str, Any] = {}
    path = _whole(str(given.get("pathRegex") or ALL), product)
    if path != ALL:
        made["path"] = _path(path)
    methods = list(given.get("methods") or ())
    if methods and "*" not in methods:
        made["methods"] = methods
    headers = [_header(name, value, product) for one in given.get("headers") or () for name, value in one.items()]
    return made | ({"headers": headers} if headers else {})


def _whole(text: str, product: str) -> str:
    found = whole(text, product)
    if found is None:
        raise Unsayable(f"the mesh is not known to match the whole of a value by {text!r}")
    return found


def _path(text: str) -> dict[str, str]:
    if text.endswith(_PREFIX) and (plain := _plain(text.removesuffix(_PREFIX))):
        return {"prefix": plain}
    if text.endswith(ALL) and (plain := _plain(text.removesuffix(ALL))):
        return {"stringPrefix": plain}
    plain = _plain(text)
    return {"exact": plain} if plain.startswith("/") else {"regex": text}


def _header(name: str, value: str, product: str) -> dict[str, Any]:
    if name.lower() == "host":
        raise Unsayable("it asks for the host that is called")
    text = _whole(value, product)
    if text == ALL:
        return {"name": name, "present": True}
    plain = _plain(text)
    return {"name": name, "exact": plain} if plain else {"name": name, "regex": text}


def _plain(text: str) -> str:
    """The text that an expression stands for; "" where it stands for more."""
    plain = re.sub(r"\\(.)", r"\1", text)
    return plain if quote(plain) == text else ""
