"""VirtualService for calls inside the mesh: one TrafficPolicy for each route and caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.importing import Body, Draft, Scene, Unsayable, key_of, named, only, slug
from reconciler.adapters.istio.detect import TYPE
from reconciler.adapters.istio.importing.requests import matches, source
from reconciler.adapters.istio.importing.rules import rule
from reconciler.adapters.istio.importing.services import own_service
from reconciler.adapters.istio.meaning.conditions import condition
from reconciler.adapters.istio.meaning.names import spec_of
from reconciler.model.canonical import encode

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Route:
    """Entries of one route that have the same caller and, where the path is rewritten, the same path."""

    name: str
    http: Mapping[str, Any]
    entries: Sequence[Entry]

    @property
    def everything(self) -> bool:
        return any(not condition(entry) for entry in self.entries)


def virtual_service(body: Body, scene: Scene) -> Draft:
    spec = spec_of(body)
    only(spec, ("hosts", "gateways", "http", "tcp", "tls", "exportTo"), "spec")
    if spec.get("tcp") or spec.get("tls"):
        raise Unsayable("it routes TCP or TLS connections")
    if (spec.get("gateways") or ["mesh"]) != ["mesh"]:
        raise Unsayable("it is bound to gateways")
    hosts, http = spec.get("hosts") or [], spec.get("http") or []
    if not hosts or not http:
        raise Unsayable("it has no routes")
    if len(hosts) > 1 and not scene.rename:
        raise Unsayable("it has several hosts, and would come back as several objects, which --rename allows")
    owns, name = [own_service(str(host), body, scene) for host in hosts], str(body["metadata"]["name"])
    own = owns[0] if len(owns) == 1 else None
    live = _reachable(http)
    found = list(_routes(live, name))
    closed = not any(one.everything for one in found)
    documents: list[dict[str, Any]] = []
    for one in found:
        made = {"to": [scene.short(service) for service in owns], **_condition(one)}
        uri = one.entries[0].get("uri") or None
        made["rule"] = rule(one.http, uri, own, body, scene)
        documents.append({"kind": "TrafficPolicy", "name": one.name, "spec": made})
    if closed:  # where no route takes a request, the mesh answers 404
        documents[-1]["spec"]["unmatched"] = "Reject"
    documents[-1]["spec"] |= named(
        TYPE, body, owns[0].name, scene, {"exportTo": spec["exportTo"]} if spec.get("exportTo") else None
    )
    return Draft(key_of(body), tuple(documents), _remarks(http, live))


def _reachable(http: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The routes up to the first that takes everything."""
    found = []
    for one in http:
        found.append(one)
        if any(not condition(entry) for entry in one.get("match") or [{}]):
            break
    return found


def _routes(http: Sequence[Mapping[str, Any]], name: str) -> Iterator[_Route]:
    taken: set[str] = set()
    for number, one in enumerate(http, 1):
        for entries in _groups(one):
            last = any(not condition(entry) for entry in entries)
            wanted = name if last or len(http) == 1 else f"{name}-{slug(one.get('name')) or number}"
            while wanted in taken:
                wanted = f"{wanted}-{number}"
            taken.add(wanted)
            yield _Route(wanted, one, entries)


def _groups(http: Mapping[str, Any]) -> list[list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in http.get("match") or [{}]:
        apart = [entry.get("uri"), entry.get("ignoreUriCase")] if (http.get("rewrite") or {}).get("uri") else None
        found.setdefault(encode([source(entry), apart]), []).append(entry)
    return list(found.values())


def _condition(route: _Route) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if caller := source(route.entries[0]):
        made["from"] = [caller]
    if found := matches(route.entries, "http.match"):
        made["match"] = found
    return made


def _remarks(http: Sequence[Mapping[str, Any]], live: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    idle = len(http) - len(live)
    return (f"{idle} of its routes come after one that takes every request, and are left out",) if idle else ()
