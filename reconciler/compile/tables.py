"""What happens to requests for each host of an Ingress document: its routes in order, listener by listener."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from reconciler.compile.backends import Used, resolve
from reconciler.compile.entries import MIRROR, ROUTE, route_entries
from reconciler.compile.matches import normal
from reconciler.compile.notes import Notes
from reconciler.compile.order import specificity
from reconciler.compile.site import Site
from reconciler.model.findings import Finding, Position, error, warning
from reconciler.model.ingress import Ingress, IngressRoute, Listener
from reconciler.model.ingress_intents import HostTable
from reconciler.model.intents import Backend, Origin, Route
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.rules import Leaf
from reconciler.model.selectors import Match

ANY = "*"


@dataclass(slots=True)
class Made:
    """The tables, the subsets that they send to with those who want it so, and what is wrong."""

    tables: list[HostTable] = field(default_factory=list)
    uses: list[tuple[Used, Origin]] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)


def tables_of(doc: Ingress, routes: Sequence[IngressRoute], site: Site, notes: Notes) -> Made:
    """The tables of a document, one for each host of each listener: so none changes with what another one says."""
    made = Made()
    resolved = [(route, _resolved(route, site, notes, made)) for route in routes]
    for listener in doc.listeners:
        if listener.finds_its_way:
            made.problems += [_not_asked(doc, listener, route) for route in routes if listener.name in route.listeners]
            continue
        here = [one for one in resolved if not one[0].listeners or listener.name in one[0].listeners]
        if not listener.carries_http:
            here = [(route, [(match, _bare(one, doc)) for match, one in several]) for route, several in here]
        made.tables += [
            HostTable(host, listener, table) for host, table in sorted(_by_host(doc, listener, here, made).items())
        ]
    return made


def _resolved(route: IngressRoute, site: Site, notes: Notes, made: Made) -> list[tuple[Match | None, Route]]:
    """A route for each of its matches."""
    backends: dict[str, tuple[Backend, ...]] = {ROUTE: (), MIRROR: ()}
    policies = {leaf.policy for leaf in route.leaves}
    origins = tuple(sorted(Origin(ref, _place(route, ref)) for ref in policies))
    for leaf in route.leaves:
        if leaf.path not in (ROUTE, MIRROR):
            continue
        if _nowhere(leaf):
            message = f"{leaf.policy} sends requests from a gateway to no service"
            made.problems.append(error("route-ambiguous", message, leaf.position, "name it in `to`", leaf.policy))
            continue
        done = resolve(leaf, ServiceRef("", "", site.target.cluster), site, notes)
        made.problems += done.problems
        made.uses += [(used, Origin(leaf.policy, leaf.position)) for used in done.used]
        backends[leaf.path] = done.backends
    leaves = tuple(sorted((one for one in route.leaves if one.path not in backends), key=lambda leaf: leaf.slot))
    matches: list[Match | None] = [normal(match, ()) for match in route.matches] or [None]
    return [
        (
            one if one != Match() else None,
            Route(
                (),
                (one,) if one and one != Match() else (),
                backends[ROUTE],
                backends[MIRROR],
                leaves,
                origins,
                route.name,
            ),
        )
        for one in matches
    ]


def _bare(route: Route, doc: Ingress) -> Route:
    """What a document says of all its routes is about requests, and not for listeners that see none."""
    return replace(route, leaves=tuple(leaf for leaf in route.leaves if leaf not in doc.options))


def _place(route: IngressRoute, ref: DocRef) -> Position:
    return next((leaf.position for leaf in route.leaves if leaf.policy == ref), route.position)


def _nowhere(leaf: Leaf) -> bool:
    return any(not (entry.to.services or entry.to.destinations or entry.to.hosts) for entry in route_entries(leaf))


def _not_asked(doc: Ingress, listener: Listener, route: IngressRoute) -> Finding:
    message = f"{doc.ref}: on listener {listener.name} connections say themselves where they go, and no route is asked"
    return error("ingress-host-outside", message, route.position, "take the listener from the route", doc.ref)


def _by_host(
    doc: Ingress,
    listener: Listener,
    routes: Iterable[tuple[IngressRoute, list[tuple[Match | None, Route]]]],
    made: Made,
) -> Mapping[str, tuple[Route, ...]]:
    """The routes of a listener for each of its hosts, the most specific first."""
    hosts = listener.hosts or (ANY,)
    found: dict[str, list[tuple[Match | None, Route]]] = {}
    for route, several in routes:
        for host in route.hosts or hosts:
            if any(covers(wide, host) for wide in hosts):
                found.setdefault(host, []).extend(several)
            elif listener.name in route.listeners:
                message = f"{doc.ref}: host {host} of a route is none of listener {listener.name}"
                made.problems.append(error("ingress-host-outside", message, route.position, "", doc.ref))
    for host in hosts:
        if not any(covers(host, other) for other in found):
            message = f"{doc.ref}: nothing is done with requests for host {host} on listener {listener.name}"
            hint = "add a route, or take the host from the listener"
            made.problems.append(warning("ingress-host-without-routes", message, listener.position, hint, doc.ref))
    return {host: _ordered(doc, host, several, made) for host, several in found.items()}


def covers(wide: str, host: str) -> bool:
    """Whether a host, or a pattern of hosts, is among those of a wider pattern."""
    return wide in (ANY, host) or (wide.startswith("*.") and host.removeprefix("*").endswith(wide[1:]))


def _ordered(doc: Ingress, host: str, several: list[tuple[Match | None, Route]], made: Made) -> tuple[Route, ...]:
    several.sort(key=lambda one: specificity(one[0], None))
    for (mine, route), (its, other) in pairwise(several):
        if mine == its:
            places = " and ".join(str(one.origins[0].position) for one in (route, other))
            message = f"{doc.ref}: two routes take the same requests for host {host}, at {places}"
            made.problems.append(
                error("ingress-route-twice", message, other.origins[0].position, "leave one of them out", doc.ref)
            )
    return tuple(route for _, route in several)
