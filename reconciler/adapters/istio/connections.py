"""``tcp[]`` of a VirtualService: where connections go on ports that carry no requests. Of ports that carry TLS the mesh
takes no notice there: it chooses by the name that a caller asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from reconciler.adapters import weights
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.istio.profiles import SIDECAR, profile_of
from reconciler.adapters.istio.references import reference
from reconciler.adapters.protocols import Speech, all_opaque, is_tls, speech
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent, MeshIntent, Route, TrafficSource
from reconciler.model.selectors import Match

Entry = dict[str, Any]


def routes_connections(profile: str, ports: Sequence[PortFacts]) -> bool:
    """Whether connections to all of these ports, which carry no requests, go where routes say."""
    return profile == SIDECAR and not any(is_tls(port) for port in ports)


def tcp_routes(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[Entry]:
    """The routes of a host as its connections take them, the first that fits; none where all go to the host itself."""
    ports = host.facts.ports if host.facts else ()
    routed = [port for port in ports if speech(port) is Speech.OPAQUE and port not in _left(host, intent)]
    found = [entry for route in _seen(host.routes) for entry in _entries(route, routed, all_opaque(ports))]
    if all(_is_plain(route, host) for route, _ in found):
        return []
    return [
        ({"match": match} if match else {}) | {"route": destinations(route, intent, gaps.about(route.askers.backends))}
        for route, match in found
    ]


def unrouted(host: HostIntent, intent: MeshIntent) -> list[int]:
    """The ports that a route without conditions means, and whose connections do not go where it says."""
    every = [route for route in _seen(host.routes) if not route.matches]
    if all(_is_plain(route, host) for route in every):
        return []
    return sorted(port.number for port in _left(host, intent))


def _left(host: HostIntent, intent: MeshIntent) -> list[PortFacts]:
    """The ports that carry no requests, and of whose connections the mesh takes no notice."""
    profile = profile_of(host.service, intent)
    ports = [port for port in (host.facts.ports if host.facts else ()) if speech(port) is Speech.OPAQUE]
    return [port for port in ports if not routes_connections(profile, (port,))]


def destinations(route: Route, intent: MeshIntent, gaps: Gaps) -> list[Entry]:
    """``route`` of a route of connections."""
    shares = weights.whole([backend.weight for backend in route.backends])
    if not any(shares):
        gaps.error("mesh-invalid-value", "the weights of a route are all 0")
    return [
        {"destination": reference(backend, intent, gaps)} | ({"weight": share} if len(shares) > 1 else {})
        for backend, share in zip(route.backends, shares, strict=True)
    ]


def _seen(routes: Iterable[Route]) -> Iterable[Route]:
    """Those that a connection may take: it meets no condition on requests, and is not answered."""
    for route in routes:
        matches = tuple(match for match in route.matches if replace(match, ports=()) == Match())
        answered = any(leaf.path.startswith(("traffic.redirect", "traffic.respond")) for leaf in route.leaves)
        if (matches or not route.matches) and not (answered or route.reject):
            yield replace(route, matches=matches)


def _entries(route: Route, routed: Sequence[PortFacts], alone: bool) -> Iterable[tuple[Route, list[Entry]]]:
    """A route with its conditions. Ports are named where others of the service carry requests."""
    asked = {port for match in route.matches for port in match.ports}
    meant = [port.number for port in routed if not asked or {port.number, port.name} & asked]
    if not meant:
        return
    numbers = [{"port": number} for number in meant] if asked or not alone else [{}]
    callers = [_caller(source) for source in route.sources or (TrafficSource(),)]
    entries = [number | caller for number, caller in product(numbers, callers)]
    yield route, [] if {} in entries else entries


def _caller(source: TrafficSource) -> Entry:
    entry: Entry = {"sourceLabels": dict(source.labels)} if source.labels else {}
    return entry | ({"sourceNamespace": source.namespace} if source.namespace else {})


def _is_plain(route: Route, host: HostIntent) -> bool:
    """Whether a route does what happens without it."""
    (first, *others) = route.backends
    return not others and first.service == host.service and not (first.subset or first.port)
