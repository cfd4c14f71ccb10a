"""``http[].match``: neutral matches and callers as Istio's match entries, which are ORed; the fields of one are ANDed.

Neutral prefixes are by path elements, Istio's by characters, so ``/api`` becomes exact ``/api`` or prefix ``/api/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from typing import Any

from reconciler.adapters.expressions import quote
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.strings import string_match
from reconciler.model.facts import ServiceFacts
from reconciler.model.intents import Route, TrafficSource
from reconciler.model.selectors import Match, PathKind, PathMatch, ValueMatch

Entry = dict[str, Any]
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def match_entries(route: Route, facts: ServiceFacts | None, gaps: Gaps) -> list[Entry]:
    """The entries of a route; an empty list matches every request. Gaps where a condition cannot be said."""
    conditions = [entry for match in route.matches or (Match(),) for entry in _conditions(match, facts, gaps)]
    callers = [_caller(source) for source in route.sources or (TrafficSource(),)]
    entries: list[Entry] = []
    for condition, caller in product(conditions, callers):
        entry = condition | caller
        if entry not in entries:
            entries.append(entry)
    # an entry without conditions takes every request, whatever the others say
    return [] if {} in entries else entries


def _caller(source: TrafficSource) -> Entry:
    entry: Entry = {}
    if source.labels:
        entry["sourceLabels"] = dict(source.labels)
    if source.namespace:
        entry["sourceNamespace"] = source.namespace
    return entry


def _conditions(match: Match, facts: ServiceFacts | None, gaps: Gaps) -> list[Entry]:
    common: Entry = {}
    if match.methods:
        common["method"] = _methods(match.methods)
    if match.authority:
        common["authority"] = {"exact": match.authority}
    if match.scheme:
        common["scheme"] = {"exact": match.scheme}
    if match.sni or match.jwt_claims:
        what = "the name that a caller asks for over TLS" if match.sni else "the claims of a token"
        gaps.error("mesh-inexpressible", f"inside the mesh requests cannot be routed by {what}")
    common |= _headers(match.headers, gaps) | _query(match.query, gaps)
    paths = _paths(match.called, gaps) if match.called else [{}]
    ports = _ports(match.ports, facts, gaps)
    return [path | common | port for path, port in product(paths, ports)]


def _methods(methods: tuple[str, ...]) -> Entry:
    if len(methods) == 1:
        return {"exact": methods[0]}
    return {"regex": "|".join(quote(method) for method in sorted(set(methods)))}


def _paths(path: PathMatch, gaps: Gaps) -> list[Entry]:
    if path.kind is not PathKind.REGEX and path.kind is not PathKind.SUFFIX and not path.value.startswith("/"):
        gaps.error("mesh-invalid-value", f"a path begins with a slash: {path.value!r}")
    if not path.value:
        gaps.error("mesh-invalid-value", "an empty path matches nothing")
    match path.kind:
        case PathKind.EXACT:
            return [_uri("exact", path)]
        case PathKind.STRING_PREFIX:
            return [_uri("prefix", path)]
        case PathKind.PREFIX:
            element = path.value.rstrip("/")
            if not element:
                return [{"uri": {"prefix": "/"}}]
            return [_uri("exact", path, element), _uri("prefix", path, f"{element}/")]
        case kind:
            # ignoreUriCase has no effect on a regex
            return [{"uri": string_match(kind.value, path.value, ignore_case=path.ignore_case)}]


def _uri(kind: str, path: PathMatch, value: str | None = None) -> Entry:
    entry: Entry = {"uri": {kind: path.value if value is None else value}}
    return entry | {"ignoreUriCase": True} if path.ignore_case else entry


def _ports(ports: tuple[int | str, ...], facts: ServiceFacts | None, gaps: Gaps) -> list[Entry]:
    numbers: list[int] = []
    for port in ports:
        number = port if isinstance(port, int) else _number(port, facts)
        if number is None:
            gaps.error("mesh-inexpressible", f"no port of the service is named {port!r}, and the mesh matches numbers")
        elif number not in numbers:
            numbers.append(number)
    return [{"port": number} for number in numbers] or [{}]


def _number(name: str, facts: ServiceFacts | None) -> int | None:
    return next((port.number for port in facts.ports if port.name == name), None) if facts else None


def _headers(headers: Iterable[ValueMatch], gaps: Gaps) -> Entry:
    """One condition for and one against each header is all that Istio's two maps can hold."""
    wanted: Entry = {}
    unwanted: Entry = {}
    for header in headers:
        if not _TOKEN.fullmatch(header.name):
            gaps.error("mesh-invalid-value", f"not the name of a header: {header.name!r}")
        _add(unwanted if header.invert else wanted, header.name.lower(), header, "header", gaps)
    return ({"headers": wanted} if wanted else {}) | ({"withoutHeaders": unwanted} if unwanted else {})


def _query(query: Iterable[ValueMatch], gaps: Gaps) -> Entry:
    wanted: Entry = {}
    for parameter in query:
        if parameter.invert:
            gaps.error("mesh-inexpressible", f"the mesh cannot ask that query parameter {parameter.name!r} differs")
            continue
        _add(wanted, parameter.name, parameter, "query parameter", gaps)
    return {"queryParams": wanted} if wanted else {}


def _add(into: Entry, name: str, condition: ValueMatch, what: str, gaps: Gaps) -> None:
    if condition.kind in ("prefix", "suffix") and not condition.value:
        gaps.error("mesh-invalid-value", f"an empty {condition.kind} of {what} {name!r}")
    said = string_match(condition.kind, condition.value, ignore_case=condition.ignore_case)
    if what == "query parameter" and "prefix" in said:
        # older versions read a prefix here as "present", which is wider
        said = {"regex": f"{quote(condition.value)}.*"}
    held = into.setdefault(name, said)
    if held == said:
        return
    if held and said:
        gaps.error("mesh-inexpressible", f"the mesh takes one condition for each {what}, not two for {name!r}")
    elif condition.invert:
        into[name] = {}  # absent covers "absent or different"
    else:
        into[name] = held or said  # a value covers "present"
