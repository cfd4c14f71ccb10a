"""Timeouts and retries of a service: said of the service where they are the same for all of its routes, else of each
object of routes. Such a policy goes on top of what is said of the whole mesh, not of what is said of the service
(pkg/plugins/policies/core/rules/outbound/resourcerules.go)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma import retries, timeouts
from reconciler.adapters.kuma.destinations import parts
from reconciler.adapters.kuma.kinds import RETRY, TIMEOUT
from reconciler.adapters.kuma.objects import build, to_service
from reconciler.adapters.kuma.places import EVERYONE, Place, asking, scopes
from reconciler.adapters.kuma.routes import is_plain
from reconciler.adapters.kuma.spoken import speaks_grpc
from reconciler.model.canonical import encode
from reconciler.model.intents import HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeKind, NativeObject
from reconciler.model.rules import Leaf

Native = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resilience:
    """``to``: whom a policy of a place is about; None for the service. ``apart``: what tells the objects of routes from
    each other, by the number of the route; empty where all routes are in one."""

    said: Mapping[Place, Route]
    to_routes: bool
    apart: Mapping[int, tuple[str, ...]]


def plan(host: HostIntent) -> Resilience:
    """For each place one route that says what holds there."""
    routes = [route for route in host.routes if not route.reject]
    plain = all(is_plain(route, host) for route in host.routes)
    said = {_content(route) for route in routes}
    for_all = any(scope == EVERYONE for route in routes for scope in scopes(route))
    if plain or (len(said) == 1 and for_all):
        wanted = {Place(scope): route for route in reversed(routes) for scope in scopes(route)}
        if not plain:
            wanted = {place: route for place, route in wanted.items() if place.scope == EVERYONE}
        return Resilience(_sorted(wanted), False, {})
    apart = _names(host)
    wanted = {Place(scope, apart[number]): route for number, route in enumerate(host.routes) for scope in scopes(route)}
    return Resilience(_sorted(wanted), True, apart)


def _sorted(wanted: Mapping[Place, Route]) -> dict[Place, Route]:
    return {place: wanted[place] for place in sorted(wanted, key=str)}


def _names(host: HostIntent) -> dict[int, tuple[str, ...]]:
    """Equal timeouts and retries share an object, which is named after who first asks for them."""
    first: dict[str, tuple[str, ...]] = {}
    for route in host.routes:
        content, name = _content(route), asking([route])
        if content not in first:
            taken = sum(other[: len(name)] == name for other in first.values())
            first[content] = (*name, str(taken)) if taken and name else name
    return {number: first[_content(route)] for number, route in enumerate(host.routes)}


def _content(route: Route) -> str:
    paths = ("traffic.timeout.", "traffic.retries.")
    return encode(sorted((leaf.path, leaf.key, leaf.value) for leaf in route.leaves if leaf.path.startswith(paths)))


def objects(asked: Resilience, host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Iterator[NativeObject]:
    """MeshTimeouts and MeshRetries of a service. What holds for its connections is said of the service for everyone."""
    connections = timeouts.of_host(host, gaps)
    for place, route in asked.said.items():
        yield from _of_place(place, route, asked.to_routes, connections, host, intent, gaps)
    if connections and (asked.to_routes or Place(EVERYONE) not in asked.said):
        entries = [(target, connections) for target in _services(Place(EVERYONE), host, intent)]
        yield _policy(TIMEOUT, Place(EVERYONE), entries, _of_connections(host), host, intent)


def _of_place(
    place: Place,
    route: Route,
    to_routes: bool,
    connections: Native,
    host: HostIntent,
    intent: MeshIntent,
    gaps: Gaps,
) -> Iterator[NativeObject]:
    http, retry = timeouts.of_route(route, gaps, whole=not to_routes), retries.of_route(route, gaps)
    timeouts.interplay(route, retry, http, gaps)
    own = connections if place == Place(EVERYONE) and not to_routes else {}
    target, *parts = _routes(place, host) if to_routes else _services(place, host, intent)
    entries = [(target, own | ({"http": http} if http else {}))]
    entries += [(part, own | timeouts.of_destination(http)) for part in parts]
    if entries := [entry for entry in entries if entry[1]]:
        origins = _origins(route.leaves, ("traffic.timeout.",)) | (_of_connections(host) if own else set())
        yield _policy(TIMEOUT, place, entries, origins, host, intent)
    ports = host.facts.ports if host.facts else ()
    if retry and (default := retries.default(retry, speaks_grpc(ports, host, intent), route, gaps)):
        origins = _origins(route.leaves, ("traffic.retries.",))
        yield _policy(RETRY, place, [(target, default)], origins, host, intent)


def _routes(place: Place, host: HostIntent) -> list[Native]:
    return [{"kind": "MeshHTTPRoute", "name": place.name(host)}]


def _services(place: Place, host: HostIntent, intent: MeshIntent) -> list[Native]:
    """The service, and the Services of its subsets."""
    namespace = place.namespace(host)
    return [to_service(host.service, namespace), *parts(host, namespace, intent)]


def _policy(
    kind: NativeKind,
    place: Place,
    entries: Iterable[tuple[Native, Native]],
    origins: Iterable[Origin],
    host: HostIntent,
    intent: MeshIntent,
) -> NativeObject:
    to = [{"targetRef": target, "default": default} for target, default in entries]
    spec = {"targetRef": place.target(host, intent), "to": to}
    return build(intent, kind, place.namespace(host), place.name(host), spec, set(origins) or host.origins)


def _of_connections(host: HostIntent) -> set[Origin]:
    return _origins(host.host_leaves, ("traffic.timeout.", "traffic.connections."))


def _origins(leaves: Iterable[Leaf], paths: tuple[str, ...]) -> set[Origin]:
    return {Origin(leaf.policy, leaf.position) for leaf in leaves if leaf.path.startswith(paths)}
