"""MeshTCPRoute: where connections go on ports that carry no requests. Of two objects the mesh takes the stronger, and
one has a single rule for all connections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.kuma.backends import References
from reconciler.adapters.kuma.kinds import TCP_ROUTE
from reconciler.adapters.kuma.objects import build, to_service
from reconciler.adapters.kuma.places import Place, scopes
from reconciler.adapters.kuma.spoken import carries_requests, section_name
from reconciler.adapters.protocols import Speech, speech
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent, MeshIntent, Route
from reconciler.model.native import NativeObject
from reconciler.model.selectors import Match
from reconciler.model.workload_intents import WorkloadScope

Native = dict[str, Any]
Chosen = dict[tuple[WorkloadScope, int], Route]


def routes_connections(_profile: str, _ports: Sequence[PortFacts]) -> bool:
    """The mesh chooses where connections go, whatever they carry."""
    return True


def objects(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> list[NativeObject]:
    """An object for each kind of callers; none where all connections go to the service itself."""
    ports = [port for port in (host.facts.ports if host.facts else ()) if _is_blind(port, host, intent)]
    chosen = _chosen(host.routes, ports)
    if all(_goes_home(route, host) for route in chosen.values()):
        return []
    found = sorted({scope for scope, _ in chosen})
    _check_apart(found, host, chosen, gaps)
    return [_object(scope, ports, chosen, host, intent, gaps) for scope in found]


def _is_blind(port: PortFacts, host: HostIntent, intent: MeshIntent) -> bool:
    return speech(port) is not Speech.UDP and not carries_requests(port, host.service, intent.mesh)


def _chosen(routes: Iterable[Route], ports: Sequence[PortFacts]) -> Chosen:
    """The route that connections take, by callers and port: the first that meets no condition on requests."""
    found: Chosen = {}
    for route in routes:
        asked = {port for match in route.matches for port in match.ports}
        blind = not route.matches or any(replace(match, ports=()) == Match() for match in route.matches)
        answered = any(leaf.path.startswith("traffic.redirect") for leaf in route.leaves)
        for port in ports if blind and not answered and not route.reject else ():
            if not asked or {port.number, port.name} & asked:
                for scope in scopes(route):
                    found.setdefault((scope, port.number), route)
    return found


def _goes_home(route: Route, host: HostIntent) -> bool:
    (first, *others) = route.backends
    return not others and first.service == host.service and not (first.subset or first.port)


def _check_apart(found: Iterable[WorkloadScope], host: HostIntent, chosen: Chosen, gaps: Gaps) -> None:
    """Two equally strong objects for one caller."""
    for one, other in combinations(found, 2):
        if Place(one).strength(host) != Place(other).strength(host) or _apart(one, other):
            continue
        asked = [route for (scope, _), route in chosen.items() if scope in (one, other)]
        told = (
            f"some callers of {host.service.label} are named in two ways, and the mesh takes one route of connections"
        )
        gaps.about({origin for route in asked for origin in route.askers.match}).error("mesh-inexpressible", told)


def _apart(one: WorkloadScope, other: WorkloadScope) -> bool:
    """Whether no caller is in both."""
    theirs = dict(other.labels)
    elsewhere = one.namespace and other.namespace and one.namespace != other.namespace
    return bool(elsewhere) or any(theirs.get(key, value) != value for key, value in one.labels)


def _object(
    scope: WorkloadScope,
    ports: Sequence[PortFacts],
    chosen: Chosen,
    host: HostIntent,
    intent: MeshIntent,
    gaps: Gaps,
) -> NativeObject:
    place = Place(scope)
    namespace = place.namespace(host)
    to = []
    for port in ports:
        if (route := chosen.get((scope, port.number))) is not None:
            refs = References(intent, namespace, port.number).of(route, gaps.about(route.askers.backends))
            target = to_service(host.service, namespace, section_name(port))
            to.append({"targetRef": target, "rules": [{"default": {"backendRefs": refs}}]})
    origins = {origin for (one, _), route in chosen.items() if one == scope for origin in route.origins}
    spec: Native = {"targetRef": place.target(host, intent), "to": to}
    return build(intent, TCP_ROUTE, namespace, place.name(host), spec, origins or host.origins)
