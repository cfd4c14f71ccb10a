"""Hosts of one target: routes, host-wide leaves and subsets of every service that a policy touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.compile.backends import Used
from reconciler.compile.exclusions import Exclusions
from reconciler.compile.merge import Ask, Bid, Court, Settled
from reconciler.compile.notes import Notes
from reconciler.compile.paths import MTLS
from reconciler.compile.routes import Routes, origins_of, routes_of
from reconciler.compile.site import Site
from reconciler.compile.subsets import held, pairs
from reconciler.model.destinations import Subset
from reconciler.model.intents import HostIntent, MtlsIntent, Origin, Route
from reconciler.model.origins import once
from reconciler.model.refs import BY_SERVICE, ServiceRef


@dataclass(slots=True)
class _Host:
    routes: tuple[Route, ...] = ()
    inbound: tuple[Route, ...] = ()
    leaves: list[Settled] = field(default_factory=list)
    subsets: dict[str, Subset] = field(default_factory=dict)
    parts: dict[str, list[Settled]] = field(default_factory=dict)
    origins: list[Origin] = field(default_factory=list)

    @property
    def needed(self) -> bool:
        return bool(self.routes or self.inbound or self.leaves or self.subsets)


@dataclass(frozen=True, slots=True)
class Hosts:
    hosts: tuple[HostIntent, ...]
    mtls: tuple[MtlsIntent, ...]


def hosts_of(
    asks: Mapping[ServiceRef, tuple[Ask, ...]],
    site: Site,
    notes: Notes,
    uses: Iterable[tuple[Used, Origin]] = (),
) -> Hosts:
    """What is asked of every host, and the mTLS modes that policies set for the workloads of single services.
    ``uses``: subsets that others send to, such as gateways."""
    hosts: dict[ServiceRef, _Host] = {}
    mtls: list[MtlsIntent] = []
    exclusions = Exclusions(site)
    for service in sorted(asks, key=BY_SERVICE):
        court = Court(service, site.world.ages, notes)
        wanted = exclusions.settle(asks[service], court)
        found = routes_of(service, wanted, court)
        settled = _host_wide(wanted, court)
        mtls += [_mtls(one, service, site) for one in settled if one.wish.leaf.path == MTLS]
        host = hosts.setdefault(service, _Host())
        host.routes = found.routes
        host.inbound = _inbound(service, wanted, court)
        host.leaves = [one for one in settled if one.wish.leaf.path != MTLS]
        host.origins += [origin for route in (*host.routes, *host.inbound) for origin in route.origins]
        host.origins += origins_of(host.leaves)
        _settle_parts(wanted, host, court)
        _use_subsets(found, hosts)
    for used, origin in uses:
        host = hosts.setdefault(used.service, _Host())
        host.subsets[used.subset.name] = used.subset
        host.origins.append(origin)
    needed = {service: host for service, host in hosts.items() if host.needed}
    for service, host in needed.items():
        _declare(service, host, site, notes)
    made = (_intent(service, needed[service], site) for service in sorted(needed, key=BY_SERVICE))
    return Hosts(tuple(made), tuple(mtls))


def _inbound(service: ServiceRef, asks: Sequence[Ask], court: Court) -> tuple[Route, ...]:
    """What the service's own side does with requests, by the same rules as the routes that lead to it."""
    arriving = [replace(ask, routed=ask.inbound, reject=False) for ask in asks if ask.inbound]
    return routes_of(service, arriving, court).routes if arriving else ()


def _host_wide(asks: Sequence[Ask], court: Court) -> list[Settled]:
    """One value for each leaf that holds for the host as a whole; defaults only where no policy says anything."""
    slots: dict[tuple[str, str], list[Bid]] = {}
    for ask in asks:
        for one in ask.host_wide if ask.part is None else ():
            slots.setdefault(one.slot, []).append(Bid(ask, one))
    found = []
    for slot in sorted(slots):
        own = [bid for bid in slots[slot] if not bid.ask.default]
        found.append(court.settle(own or slots[slot]))
    return found


def _settle_parts(asks: Sequence[Ask], host: _Host, court: Court) -> None:
    """For each part that a policy names, what holds for it: its own values, then those of the whole. A part is narrower
    than the whole, so only a higher priority stands above it."""
    named = {ask.part.name: ask.part for ask in asks if ask.part is not None and ask.host_wide}
    for name, subset in sorted(named.items()):
        slots: dict[tuple[str, str], list[Bid]] = {}
        for ask in asks:
            for one in ask.host_wide if ask.part == subset else ():
                slots.setdefault(one.slot, []).append(Bid(ask, one))
        settled = {slot: court.settle(bids + _above(bids, asks)) for slot, bids in sorted(slots.items())}
        whole = {one.wish.slot: one for one in host.leaves} | settled
        host.parts[name] = [whole[slot] for slot in sorted(whole)]
        host.subsets[name] = subset
        host.origins += origins_of(settled.values())


def _above(bids: Sequence[Bid], asks: Sequence[Ask]) -> list[Bid]:
    """What policies of a higher priority say about the whole."""
    wide = [Bid(ask, one) for ask in asks if ask.part is None for one in ask.host_wide]
    highest = max(bid.ask.priority for bid in bids)
    return [bid for bid in wide if bid.wish.slot == bids[0].wish.slot and bid.ask.priority > highest]


def _mtls(settled: Settled, service: ServiceRef, site: Site) -> MtlsIntent:
    facts = site.service(service)
    selector = dict(facts.selector) if facts else {}
    return MtlsIntent(str(settled.wish.leaf.value), service, selector, origins_of([settled]))


def _use_subsets(found: Routes, hosts: dict[ServiceRef, _Host]) -> None:
    for use in found.uses:
        host = hosts.setdefault(use.used.service, _Host())
        host.subsets[use.used.subset.name] = use.used.subset
        host.origins += use.origins


def _declare(service: ServiceRef, host: _Host, site: Site, notes: Notes) -> None:
    for name, (doc, subset) in held(service, site, notes).items():
        host.subsets[name] = Subset(name, pairs(subset.labels), subset.position)
        host.origins.append(Origin(doc.ref, subset.position))


def _intent(service: ServiceRef, host: _Host, site: Site) -> HostIntent:
    return HostIntent(
        service=service,
        facts=site.service(service),
        routes=host.routes,
        host_leaves=tuple(one.wish.leaf for one in host.leaves),
        subsets=tuple(host.subsets[name] for name in sorted(host.subsets)),
        origins=once(host.origins),
        inbound=host.inbound,
        part_leaves={name: tuple(one.wish.leaf for one in leaves) for name, leaves in sorted(host.parts.items())},
    )
