"""The requests to a service: its routes, each with where requests end after all splits, and what is done to them.

Only the router of the service that is called is looked at. A route to a service goes on to the splitter of that, unless
it names a subset; so does a share of a split. Source: agent/consul/discoverychain/compile.go (assembleChain,
getSplitterOrResolverNode, getSplitterNode); of retries agent/xds/routes.go (getRetryPolicyForDestination).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from reconciler.adapters.consul.meaning.conditions import condition
from reconciler.adapters.consul.meaning.entries import Entries
from reconciler.adapters.durations import seconds
from reconciler.adapters.first_match import Unit, in_one_order, needed
from reconciler.adapters.leaves import section
from reconciler.model.canonical import encode

Part = Mapping[str, Any]
HEADERS = ("requestHeaders", "responseHeaders")
_RETRIES = ("numRetries", "retryOn", "retryOnConnectFailure", "retryOnStatusCodes")
_TARGET = ("service", "serviceSubset")
_LENGTHS = ("requestTimeout", "idleTimeout")
CONNECT = "connect-failure"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of what is sent somewhere. ``changes``: of headers, and whatever else a split says."""

    service: str
    subset: str = ""
    changes: tuple[Part, ...] = ()
    part: Fraction = Fraction(1)

    @property
    def said(self) -> list[Any]:
        return [self.service, self.subset, list(self.changes), str(self.part)]


def routes(name: str, entries: Entries) -> list[Unit]:
    """In their one order, without those that change nothing."""
    units: list[Unit] = []
    for one in _written(name, entries):
        if all(one[0] != earlier[0] for earlier in units):  # a second one of a condition is never met
            units.append(one)
        if not one[0]:
            break
    return in_one_order(needed(units))


def plain_route(name: str) -> Unit:
    """What happens without any entry."""
    return {}, {"to": [Share(name).said]}


def _written(name: str, entries: Entries) -> Iterator[Unit]:
    for route in entries.routes(name):
        match = section(route, "match")
        when = condition(section(match, "http"))
        when |= {f"match.{field}": match[field] for field in match if field != "http"}
        when |= {field: route[field] for field in route if field not in ("match", "destination")}
        yield when, _action(section(route, "destination"), when, name, entries)
    yield {}, {"to": [one.said for one in shares(name, entries)]}


def _action(to: Part, when: Part, name: str, entries: Entries) -> dict[str, Any]:
    elsewhere = (*_TARGET, *_RETRIES, *_LENGTHS, *HEADERS, "prefixRewrite")
    made = {field: to[field] for field in to if field not in elsewhere}
    made |= {field: to[field] for field in _LENGTHS if field in to and seconds(to[field]) != 0}
    made |= {field: headers(to[field]) for field in HEADERS if field in to}
    if "prefixRewrite" in to:  # what the condition matched of the path is replaced
        made["rewrite"] = [when.get("uri", {"prefix": "/"}), to["prefixRewrite"]]
    if found := retries(to):
        made["retries"] = found
    return made | {"to": [one.said for one in sent(to, name, entries)]}


def sent(to: Part, name: str, entries: Entries) -> list[Share]:
    """Where the requests of a route of a service end."""
    called, subset = str(to.get("service") or name), str(to.get("serviceSubset") or "")
    return [Share(called, subset)] if subset else shares(called, entries)


def retries(to: Part) -> dict[str, Any]:
    """Empty where no condition is named: then nothing is tried again, however often it may be. Once is usual."""
    words = {str(word) for word in to.get("retryOn") or ()} | ({CONNECT} if to.get("retryOnConnectFailure") else set())
    codes = sorted({int(code) for code in to.get("retryOnStatusCodes") or ()})
    if not words and not codes:
        return {}
    return {"tries": int(to.get("numRetries") or 1), "on": sorted(words), "codes": codes}


def headers(given: Part) -> dict[str, Any]:
    return {verb: sorted(what) if isinstance(what, list) else what for verb, what in given.items() if what}


def shares(name: str, entries: Entries) -> list[Share]:
    """What is sent to a name, in the order of their text."""
    found: dict[str, Share] = {}
    for one in _shares(name, entries, ()):
        text = encode([one.service, one.subset, one.changes])
        found[text] = replace(one, part=one.part + found[text].part) if text in found else one
    return [found[text] for text in sorted(found) if found[text].part]


def _shares(name: str, entries: Entries, above: tuple[str, ...]) -> Iterator[Share]:
    given = entries.splits(name) if name not in above else []
    total = sum(Fraction(str(one["weight"])) for one in given)
    if not total:
        yield Share(name)
    for one in given if total else ():
        part, called = Fraction(str(one["weight"])) / total, str(one.get("service") or name)
        inner = [Share(called, str(one.get("serviceSubset") or ""))]
        if called != name and not one.get("serviceSubset"):
            inner = list(_shares(called, entries, (*above, name)))
        for each in inner:
            yield replace(each, part=each.part * part, changes=(*_changes(one), *each.changes))


def _changes(split: Part) -> tuple[Part, ...]:
    """What a share does besides: the share of a share does what both do."""
    rest = {field: split[field] for field in split if field not in (*_TARGET, *HEADERS, "weight")}
    made = rest | {field: headers(split[field]) for field in HEADERS if split.get(field)}
    return (made,) if made else ()
