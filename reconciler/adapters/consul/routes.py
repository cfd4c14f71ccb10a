"""The chain of a service: ServiceRouter for its routes, ServiceSplitter where one of them has several destinations.

A server adds a last route that sends the rest to the service itself, so one that does nothing else is not written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.consul import headers, names
from reconciler.adapters.consul.kinds import SERVICE_DEFAULTS, SERVICE_ROUTER, SERVICE_SPLITTER
from reconciler.adapters.consul.matches import conditions
from reconciler.adapters.consul.resilience import retries, timeouts
from reconciler.adapters.consul.rewriting import rewrite
from reconciler.adapters.consul.speaking import TCP, protocol_of
from reconciler.adapters.consul.splits import destination, is_split, owns_name, sent, split_name, splits
from reconciler.adapters.envelopes import build
from reconciler.adapters.gaps import Gaps
from reconciler.adapters.leaves import section, tree
from reconciler.model.intents import HostIntent, MeshIntent, Origin, Route
from reconciler.model.native import NativeObject
from reconciler.model.refs import ServiceRef

Native = dict[str, Any]


@dataclass
class Chain:
    """The objects of a service's routes, and the services that have to speak the same protocol for them, each with
    those who want that: for a service itself all that say anything of it, for others who sends to them."""

    objects: list[NativeObject] = field(default_factory=list)
    services: dict[ServiceRef, set[Origin]] = field(default_factory=dict)
    protocol: str = ""


def chain(host: HostIntent, intent: MeshIntent, gaps: Gaps) -> Chain:
    """What the routes of a service become; nothing where they do what happens without them."""
    made, routes = Chain(), [route for route in host.routes if not _is_plain(route, host)]
    if not routes:
        return made
    names.check(host.service, intent, gaps)
    made.protocol = protocol_of(host.service, intent, gaps)
    if made.protocol == TCP:
        _on_connections(host, routes, gaps)
        return Chain()
    made.services = {host.service: set(host.origins)}
    for route in routes:
        for backend in sent(route):
            made.services.setdefault(backend.service, set()).update(route.origins)
    _check_protocols(made, intent, gaps)
    written = [one for route in host.routes for one in _route(route, host, intent, made, gaps)]
    while written and written[-1] in ({}, {"match": {"http": {"pathPrefix": "/"}}}):
        written.pop()
    if written:
        made.objects.append(_object(SERVICE_ROUTER, host.service.name, {"routes": written}, host, intent, routes))
    return made


def _route(route: Route, host: HostIntent, intent: MeshIntent, made: Chain, gaps: Gaps) -> Iterable[Native]:
    about = gaps.about(route.askers.match)
    if route.reject:
        about.error("mesh-inexpressible", "the mesh sends what fits no route to the service: it cannot answer 404")
    if route.sources:
        about.error("mesh-inexpressible", "the mesh has the same routes for all callers of a service")
    rule, target = tree(route.leaves), _target(route, host, intent, made, gaps.about(route.askers.backends))
    for condition in conditions(route.matches, about):
        done = target | rewrite(route, rule, condition, gaps) | timeouts(route, rule, gaps)
        done |= retries(route, rule, intent, gaps) | headers.operations(section(rule, "headers"), gaps, route.leaves)
        http = condition or {"pathPrefix": "/"}
        yield {"match": {"http": http}} | ({"destination": done} if done else {})


def _target(route: Route, host: HostIntent, intent: MeshIntent, made: Chain, gaps: Gaps) -> Native:
    """The one destination of a route, which may be a split."""
    found = sent(route)
    if len(found) == 1 and not is_split(route):
        return destination(found[0], host, intent, gaps)
    own = owns_name(route, host, intent)
    name = host.service.name if own else split_name(route, host)
    spec = {"splits": splits(route, host, intent, gaps)}
    made.objects.append(_object(SERVICE_SPLITTER, name, spec, host, intent, [route]))
    if own:
        return {}
    made.objects.append(_object(SERVICE_DEFAULTS, name, {"protocol": made.protocol}, host, intent, [route]))
    return {"service": name}


def _object(
    kind: Any, name: str, spec: Native, host: HostIntent, intent: MeshIntent, routes: Iterable[Route]
) -> NativeObject:
    origins: set[Origin] = {origin for route in routes for origin in route.origins}
    return build(intent, kind, host.service.namespace, name, spec, origins or host.origins)


def _is_plain(route: Route, host: HostIntent) -> bool:
    """Whether a route, if it is the last one, does what happens without it."""
    if route.matches or route.leaves or route.sources or route.reject or route.mirrors:
        return False
    return [(one.service, one.subset, bool(one.headers)) for one in sent(route)] == [(host.service, "", False)]


def _check_protocols(made: Chain, intent: MeshIntent, gaps: Gaps) -> None:
    for service in sorted(made.services):
        other = protocol_of(service, intent, gaps)
        if other != made.protocol:
            told = f"the mesh has one protocol on the way of a request: {service.label} speaks {other}"
            gaps.error("mesh-inexpressible", f"{told}, not {made.protocol}")


def _on_connections(host: HostIntent, routes: Iterable[Route], gaps: Gaps) -> None:
    """Of connections nothing is routed: what would send them elsewhere is a gap, the rest has no effect."""
    for route in routes:
        if is_split(route) or [one.service for one in sent(route)] != [host.service] or sent(route)[0].subset:
            told = f"{host.service.label} carries connections, and the mesh routes requests only"
            gaps.about(route.askers.backends).error("mesh-inexpressible", told)
    gaps.warning(
        "http-route-on-tcp",
        f"no port of {host.service} carries HTTP, so its routes have no effect",
        hint="name the port http or grpc, declare its appProtocol, or say protocol.appProtocol in a policy",
    )
