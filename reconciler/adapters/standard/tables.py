"""Which routes hold for whom: a table for each HTTP port of a service and for each namespace that has its own.

Routes in the service's own namespace hold for every caller; routes in another one hold for the callers there, and for
them in place of the others. So a namespace with a route of its own gets all routes that hold for its callers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.adapters.gaps import Gaps
from reconciler.adapters.protocols import Speech, speech
from reconciler.model.facts import PortFacts
from reconciler.model.intents import HostIntent, Route


@dataclass(frozen=True, slots=True)
class Table:
    """``namespace``: where its objects lie, and so whose calls it is for."""

    namespace: str
    port: int
    routes: tuple[Route, ...]  # none with a reject, which is what the API does where no route fits
    rejects: bool


def tables(host: HostIntent, gaps: Gaps) -> list[Table]:
    """The tables of a host that say more than what happens without them."""
    if not host.routes or not _attachable(host, gaps):
        return []
    return [
        table
        for namespace in _namespaces(host, gaps)
        for port in _http_ports(host, gaps)
        if (table := _table(host, namespace, port)) is not None
    ]


def _attachable(host: HostIntent, gaps: Gaps) -> bool:
    if host.service.host:
        gaps.error("mesh-inexpressible", f"the API has routes for Services only, not for {host.service.label}")
    elif host.facts is None:
        gaps.error(
            "port-needed",
            f"the API wants the ports of {host.service.label} in routes to it, and it is not there",
            hint="they are written once the service is there",
        )
    elif host.facts.headless:
        gaps.error(
            "mesh-inexpressible", f"{host.service.label} is headless, and routes bind to an address of a Service"
        )
    return not gaps.blocking


def _namespaces(host: HostIntent, gaps: Gaps) -> list[str]:
    """The service's own first. Callers there cannot be told from all others."""
    own, found = host.service.namespace, set[str]()
    for route in host.routes:
        asked = gaps.about(route.askers.match)
        for source in route.sources:
            if source.labels or not source.namespace:
                asked.error("mesh-inexpressible", "the API tells callers apart by their namespace only")
            elif source.namespace == own:
                message = (
                    f"routes in {own} hold for all callers of {host.service.label}, so none can be for {own} alone"
                )
                asked.error("mesh-inexpressible", message)
            else:
                found.add(source.namespace)
    return [own, *sorted(found)]


def _http_ports(host: HostIntent, gaps: Gaps) -> list[PortFacts]:
    ports = host.facts.ports if host.facts else ()
    found = [port for port in ports if speech(port) not in (Speech.OPAQUE, Speech.UDP)]
    if not found:
        gaps.warning(
            "http-route-on-tcp",
            f"no port of {host.service} carries HTTP, so its routes have no effect",
            hint="name the port http or grpc, or declare its appProtocol",
        )
    if any(not route.matches and not (route.reject or _goes_home(route, host)) for route in host.routes):
        for port in ports if found else ():
            if speech(port) is Speech.OPAQUE:
                told = f"no requests are seen on port {port.number} of {host.service.label}"
                hint = "name the ports that are meant in the policy"
                gaps.warning("http-route-on-tcp", f"{told}: what is sent there goes where it did", hint=hint)
    return found


def _table(host: HostIntent, namespace: str, port: PortFacts) -> Table | None:
    """None where it would only say that requests go to the service itself."""
    own = namespace == host.service.namespace
    meant = [
        route
        for route in host.routes
        if not route.sources or (not own and any(source.namespace == namespace for source in route.sources))
    ]
    routes = tuple(_on(port, (route for route in meant if not route.reject)))
    rejects = any(route.reject for route in meant)
    if own and not rejects and all(_is_plain(route, host) for route in routes):
        return None
    return Table(namespace, port.number, routes, rejects)


def _on(port: PortFacts, routes: Iterable[Route]) -> Iterable[Route]:
    """The routes of a port, their conditions on it met."""
    for route in routes:
        if not route.matches:
            yield route
            continue
        kept = [match for match in route.matches if not match.ports or {port.number, port.name} & set(match.ports)]
        open_to_all = any(replace(match, ports=()) == type(match)() for match in kept)
        if kept:
            yield replace(route, matches=() if open_to_all else tuple(replace(match, ports=()) for match in kept))


def _is_plain(route: Route, host: HostIntent) -> bool:
    """Whether a route does what happens without it."""
    changed = route.leaves or route.mirrors or host.host_leaves or route.backends[0].headers
    return not changed and _goes_home(route, host)


def _goes_home(route: Route, host: HostIntent) -> bool:
    (first, *others) = route.backends
    return not others and first.service == host.service and not (first.subset or first.port)
