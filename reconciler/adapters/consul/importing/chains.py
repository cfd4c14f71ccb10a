"""A router and the splitters that it leads to: one TrafficPolicy for each route, and one for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.consul.importing.requests import matches
from reconciler.adapters.consul.importing.rules import is_idle, route, rule
from reconciler.adapters.consul.importing.services import service
from reconciler.adapters.consul.importing.subsets import check_subset
from reconciler.adapters.consul.kinds import SERVICE_DEFAULTS, SERVICE_ROUTER, SERVICE_SPLITTER
from reconciler.adapters.consul.meaning.chains import Share, sent, shares
from reconciler.adapters.consul.meaning.conditions import condition
from reconciler.adapters.consul.meaning.entries import Entries
from reconciler.adapters.importing import MALFORMED, Body, Draft, Scene, Unsayable, key_of, only
from reconciler.adapters.leaves import section
from reconciler.model.canonical import encode
from reconciler.model.refs import ServiceRef

_CONDITIONS = ("pathExact", "pathPrefix", "pathRegex", "methods", "header", "queryParam")
_FIELDS = {"ServiceRouter": ("routes",), "ServiceSplitter": ("splits",)}
Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Route:
    """Neighbours that do the same. No ``conditions``: every request."""

    conditions: Sequence[Part]
    to: Part
    shares: Sequence[Share]


def chain(name: str, entries: Entries, whole: AbstractSet[str], scene: Scene) -> list[Draft]:
    """Of a service with a router, a splitter, or both: what it says comes back together or not at all. ``whole``: of
    ``sent_whole``."""
    bodies = members(name, entries)
    for body in bodies:
        _check(body, name, scene)
    own = service(name, bodies[0], scene).ref
    found = list(_routes(name, entries))
    for share in (share for one in found for share in one.shares):
        check_subset(share, entries)
    if entries.of(SERVICE_SPLITTER, name) is not None and name in whole and not scene.rename:
        raise Unsayable("others send to all of it, so its splitter would come back under a name that --rename allows")
    first, *others = [key_of(body) for body in bodies]
    draft = Draft(first, tuple(_documents(found, own, scene)), _remarks(entries.routes(name), found))
    return [draft, *(Draft(key, (), within=first) for key in others)]


def members(name: str, entries: Entries) -> list[Body]:
    """All objects of a chain, that of the service first: splits without instances belong to it, and what says their
    protocol."""
    own = [body for kind in (SERVICE_ROUTER, SERVICE_SPLITTER) if (body := entries.of(kind, name)) is not None]
    return [*own, *(body for one in sorted(entries.part_of(name)) for body in _of_split(one, entries))]


def sent_whole(entries: Entries) -> frozenset[str]:
    """The services to all of which something is sent, but for what is left to the routes of one itself."""
    found: set[str] = set()
    for name in {key[1] for key in entries.held if key[0] in _FIELDS}:
        with suppress(*MALFORMED):  # it is kept as it is
            found |= set(_sent_whole(name, entries))
    return frozenset(found)


def _sent_whole(name: str, entries: Entries) -> Iterator[str]:
    rest = shares(name, entries) if not entries.is_split(name) else []
    yield from (one.service for one in rest if one.service != name and not one.subset)
    for one in entries.routes(name):
        ends = [end.service for end in sent(section(one, "destination"), name, entries) if not end.subset]
        yield from (end for end in ends if end != name or _asks(one))


def _asks(route: Part) -> bool:
    return bool(condition(section(section(route, "match"), "http")))


def _of_split(name: str, entries: Entries) -> Iterator[Body]:
    """A split and what says its protocol."""
    settings = entries.of(SERVICE_DEFAULTS, name)
    splitter = entries.of(SERVICE_SPLITTER, name)
    if splitter is not None:
        yield splitter
    if settings is not None and settings["spec"].keys() <= {"protocol"}:
        yield settings


def _check(body: Body, name: str, scene: Scene) -> None:
    called, fields = key_of(body).name, _FIELDS.get(key_of(body).kind)
    service(name, body, scene)
    if fields is not None:
        only(body["spec"], fields, "spec")
    for one in body["spec"].get("splits") or ():
        only(one, ("weight", "service", "serviceSubset", "requestHeaders", "responseHeaders"), "splits")
    if called != name and not called.startswith(f"{name}-split-") and not scene.rename:
        raise Unsayable(f"{called}, to which it leads, would come back under another name, which --rename allows")


def _routes(name: str, entries: Entries) -> Iterator[_Route]:
    """Up to the first that takes every request; the server adds one for the rest."""
    held: _Route | None = None
    for one in entries.routes(name):
        only(one, ("match", "destination"), "routes")
        only(section(one, "match"), ("http",), "match")
        http, to = dict(section(section(one, "match"), "http")), section(one, "destination")
        if not condition(http):
            if held is not None:
                yield held
            yield _Route((), to, sent(to, name, entries))
            return
        if held is not None and encode(held.to) == encode(to) and "prefixRewrite" not in to:
            held = _Route((*held.conditions, http), to, held.shares)
            continue
        if held is not None:
            yield held
        held = _Route((http,), to, sent(to, name, entries))
    if held is not None:
        yield held
    yield _Route((), {}, shares(name, entries))


def _documents(found: Sequence[_Route], own: ServiceRef, scene: Scene) -> list[dict[str, Any]]:
    *others, rest = found
    documents: list[dict[str, Any]] = []
    for number, one in enumerate(others, 1):
        made: dict[str, Any] = {"to": [scene.short(own)], "match": matches(one.conditions, _CONDITIONS)}
        made["rule"] = _rule(one, own, scene, rest.shares)
        documents.append({"kind": "TrafficPolicy", "name": f"{own.name}-route-{number}", "spec": made})
    last = _rule(rest, own, scene, [Share(own.name)])
    if last.keys() - {"route"} or rest.shares != [Share(own.name)]:
        spec = {"to": [scene.short(own)], "rule": last}
        documents.append({"kind": "TrafficPolicy", "name": f"{own.name}-route", "spec": spec})
    if not documents:
        raise Unsayable("it does what happens without it")
    return documents


def _rule(one: _Route, own: ServiceRef, scene: Scene, otherwise: Sequence[Share]) -> dict[str, Any]:
    """``otherwise``: where requests go where a rule does not say it."""
    made = rule(one.to, one.conditions)
    where = {} if made and list(one.shares) == list(otherwise) else {"route": route(one.shares, own, scene)}
    return where | made


def _remarks(written: Sequence[Part], found: Sequence[_Route]) -> tuple[str, ...]:
    idle = len(written) - sum(max(len(one.conditions), 1) for one in found)
    told = []
    if idle > 0:
        told.append(f"{idle} of its routes come after one that takes every request, and are left out")
    if any(is_idle(one.to) for one in found):
        told.append("numRetries without a condition on which to try again has no effect, and is left out")
    return tuple(told)
