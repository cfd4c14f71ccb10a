"""``http[].match`` entries as neutral matches and callers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.adapters.importing import Unsayable, only
from reconciler.adapters.shortened import request
from reconciler.model.canonical import encode

Entry = Mapping[str, Any]
_FIELDS = (
    "name", "uri", "ignoreUriCase", "method", "authority", "scheme", "headers", "withoutHeaders", "queryParams",
    "port", "sourceLabels", "sourceNamespace", "gateways",
)  # fmt: skip
_WORDS = re.compile(r"[A-Z]+(\|[A-Z]+)*")


def source(entry: Entry) -> dict[str, Any] | None:
    """The caller of an entry as an item of ``from``; None for everyone."""
    made: dict[str, Any] = {}
    if entry.get("sourceNamespace"):
        made["namespaces"] = [entry["sourceNamespace"]]
    if entry.get("sourceLabels"):
        made["workloads"] = {"labels": {"matchLabels": dict(sorted(entry["sourceLabels"].items()))}}
    return made or None


def matches(entries: Sequence[Entry], where: str) -> list[Any]:
    """Items of ``match``; empty for every request. A pair of exact and prefix is one prefix by elements."""
    plain = [_without_pairs(entry, entries) for entry in entries]
    found = [_match(entry, where) for entry in plain if entry is not None]
    return [] if {} in found else [request(one) for one in found]


def _without_pairs(entry: Entry, entries: Sequence[Entry]) -> Entry | None:
    """``/api`` beside ``/api/`` as a prefix: the first becomes ``elements``, the second goes."""
    uri = entry.get("uri") or {}
    if "exact" in uri and _has({**entry, "uri": {"prefix": f"{uri['exact']}/"}}, entries):
        return {**entry, "uri": {"elements": uri["exact"]}}
    prefix = str(uri.get("prefix", ""))
    if len(prefix) > 1 and prefix.endswith("/") and _has({**entry, "uri": {"exact": prefix[:-1]}}, entries):
        return None
    return entry


def _has(wanted: Entry, entries: Sequence[Entry]) -> bool:
    return any(encode(dict(wanted)) == encode(dict(entry)) for entry in entries)


def _match(entry: Entry, where: str) -> dict[str, Any]:
    only(entry, _FIELDS, where)
    if entry.get("gateways", ["mesh"]) != ["mesh"]:
        raise Unsayable(f"{where}.gateways binds it to gateways")
    made: dict[str, Any] = {}
    if path := _path(entry):
        made["path"] = path
    if entry.get("method"):
        made["methods"] = _methods(entry["method"], f"{where}.method")
    headers = [_value(name, value, "header") for name, value in sorted((entry.get("headers") or {}).items())]
    without = sorted((entry.get("withoutHeaders") or {}).items())
    headers += [{**_value(name, value, "header"), "invert": True} for name, value in without]
    if headers:
        made["headers"] = headers
    if entry.get("queryParams"):
        parameters = sorted(entry["queryParams"].items())
        made["query"] = [_value(name, value, "query parameter") for name, value in parameters]
    for field in ("authority", "scheme"):
        if entry.get(field):
            made[field] = _exact(entry[field], f"{where}.{field}")
    return made | ({"ports": [entry["port"]]} if entry.get("port") else {})


def _path(entry: Entry) -> dict[str, Any]:
    uri = entry.get("uri") or {}
    kind, value = next(iter(uri.items()), ("prefix", "/"))
    if (kind, value) == ("prefix", "/"):
        return {}
    named = {"exact": "exact", "prefix": "stringPrefix", "regex": "regex", "elements": "prefix"}
    ignore = {"ignoreCase": True} if entry.get("ignoreUriCase") and kind != "regex" else {}
    return {named[kind]: value} | ignore


def _methods(match: Mapping[str, Any], where: str) -> list[str]:
    if match.keys() == {"regex"} and _WORDS.fullmatch(str(match["regex"])):
        return sorted(set(str(match["regex"]).split("|")))
    return [_exact(match, where)]


def _exact(match: Mapping[str, Any], where: str) -> str:
    if match.keys() != {"exact"}:
        raise Unsayable(f"{where} is not an exact value")
    return str(match["exact"])


def _value(name: str, match: Mapping[str, Any] | None, what: str) -> dict[str, Any]:
    if not match:
        return {"name": name, "present": True}
    kind = next(iter(match))
    if len(match) > 1 or kind not in ("exact", "prefix", "regex"):
        raise Unsayable(f"{what} {name} is matched by {', '.join(match)}")
    return {"name": name, kind: match[kind]}
