"""All routes of one host: each atom's rule, ordered, equal neighbours joined, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.compile.atoms import Atom, Rule, action_of, atoms, rule_for
from reconciler.compile.backends import Used
from reconciler.compile.entries import MIRROR, ROUTE
from reconciler.compile.merge import Ask, Bid, Court, Settled, Wish
from reconciler.compile.order import specificity
from reconciler.model.canonical import encode
from reconciler.model.findings import Position, warning
from reconciler.model.intents import Askers, Backend, Origin, Route
from reconciler.model.refs import DocRef, ServiceRef
from reconciler.model.rules import Leaf

UNMATCHED = "traffic.unmatched"


@dataclass(frozen=True, slots=True)
class Use:
    """A subset that a route of this host sends to, and the policies that want it so."""

    used: Used
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Routes:
    routes: tuple[Route, ...]
    uses: tuple[Use, ...]


def routes_of(service: ServiceRef, asks: Sequence[Ask], court: Court) -> Routes:
    """The routes that policies ask for, most specific first, the catch-all last. None where no policy has a route."""
    asking = [ask for ask in asks if ask.routed or ask.reject]
    if not asking:
        return Routes((), ())
    rejected = _rejecting(asking, court)
    wanted = atoms(asking) - ({Atom(None, None)} if rejected else set())
    rules = [
        rule_for(atom, asking, court) for atom in sorted(wanted, key=lambda one: specificity(one.match, one.source))
    ]
    routes = [_route(rule, service, asking) for rule in rules]
    if rejected:
        askers = Askers(_origins_of_asks(rejected))
        routes.append(
            Route((), (), (Backend(service, 100),), (), (), _origins_of_asks(rejected), reject=True, askers=askers)
        )
    _tell_idle(asking, rules, court)
    return Routes(tuple(_joined(routes)), tuple(use for rule in rules for use in _uses(rule)))


def _rejecting(asks: Sequence[Ask], court: Court) -> list[Ask]:
    """The policies by which what no route took is answered 404; none where another policy sends it on."""
    rejecting = [ask for ask in asks if ask.reject]
    bids = [Bid(ask, Wish(Leaf(UNMATCHED, "Reject", ask.position, ask.policy), "Reject")) for ask in rejecting]
    for ask in asks:
        if rejecting and not (ask.matches or ask.sources or ask.default):
            acting = [one.leaf for one in ask.routed if action_of(one.leaf.path)]
            bids += [Bid(ask, Wish(leaf, "Pass")) for leaf in acting]
    if not bids or court.settle(bids).wish.value == "Pass":
        return []
    return rejecting


def _origins_of_asks(asks: Iterable[Ask]) -> tuple[Origin, ...]:
    return tuple(sorted({Origin(ask.policy, ask.position) for ask in asks}))


def _route(rule: Rule, service: ServiceRef, asks: Sequence[Ask]) -> Route:
    route, mirror = rule.settled.get((ROUTE, "")), rule.settled.get((MIRROR, ""))
    match, source = rule.atom.match, rule.atom.source
    return Route(
        sources=(source,) if source else (),
        matches=(match,) if match else (),
        backends=route.wish.backends if route else (Backend(service, 100),),
        mirrors=mirror.wish.backends if mirror else (),
        leaves=tuple(rule.settled[slot].wish.leaf for slot in sorted(rule.settled) if slot[0] not in (ROUTE, MIRROR)),
        origins=origins_of(rule.settled.values()) or _bare(rule, asks),
        askers=Askers(_origins_of_asks(_meaning(rule, asks)), _senders(route), _senders(mirror)),
    )


def _senders(settled: Settled | None) -> tuple[Origin, ...]:
    return origins_of([settled]) if settled else ()


def _meaning(rule: Rule, asks: Iterable[Ask]) -> Iterable[Ask]:
    """The policies that name the match and the source of a route, and do not only cover them."""
    match, source = rule.atom.match, rule.atom.source
    return (ask for ask in asks if match in (ask.matches or (None,)) and source in (ask.sources or (None,)))


def origins_of(settled: Iterable[Settled]) -> tuple[Origin, ...]:
    """Every policy that has a part in what holds, with the place of its most telling leaf."""
    places: dict[DocRef, tuple[bool, Position]] = {}
    for one in settled:
        for bid in one.parents:
            leaf, policy = bid.wish.leaf, bid.ask.policy
            place, known = (leaf.path != ROUTE, leaf.position), places.get(policy)
            if known is None or place < known:
                places[policy] = place
    return tuple(sorted(Origin(ref, place[1]) for ref, place in places.items()))


def _bare(rule: Rule, asks: Sequence[Ask]) -> tuple[Origin, ...]:
    """A route without leaves is there for the policies that only say what else is rejected."""
    return _origins_of_asks(ask for ask in _meaning(rule, asks) if not ask.routed)


def _uses(rule: Rule) -> Iterable[Use]:
    for path in (ROUTE, MIRROR):
        settled = rule.settled.get((path, ""))
        if settled is not None:
            origins = origins_of([settled])
            yield from (Use(used, origins) for used in settled.wish.used)


def _joined(routes: list[Route]) -> list[Route]:
    """Neighbours that differ in their matches only, or in their sources only, as one route."""
    done: list[Route] = []
    for route in routes:
        done.append(route)
        while len(done) > 1 and (one := _both(done[-2], done[-1])) is not None:
            done[-2:] = [one]
    return done


def _both(first: Route, second: Route) -> Route | None:
    if first.reject or second.reject or not _same_rule(first, second):
        return None
    if first.sources == second.sources and first.matches and second.matches:
        return replace(first, matches=first.matches + second.matches, askers=_of_both(first.askers, second.askers))
    if first.matches == second.matches and first.sources and second.sources:
        return replace(first, sources=first.sources + second.sources, askers=_of_both(first.askers, second.askers))
    return None


def _of_both(one: Askers, other: Askers) -> Askers:
    """Who asks for one of two alone is not to blame for the other."""

    def common(mine: tuple[Origin, ...], its: tuple[Origin, ...]) -> tuple[Origin, ...]:
        return mine if mine == its else tuple(origin for origin in mine if origin in its)

    return Askers(
        common(one.match, other.match), common(one.backends, other.backends), common(one.mirrors, other.mirrors)
    )


def _same_rule(first: Route, second: Route) -> bool:
    def content(route: Route) -> tuple[object, ...]:
        leaves = [(leaf.path, leaf.key, encode(leaf.value)) for leaf in route.leaves]
        return (route.backends, route.mirrors, leaves, route.origins)

    return content(first) == content(second)


def _tell_idle(asks: Sequence[Ask], rules: Sequence[Rule], court: Court) -> None:
    """Nothing is silent: a leaf that neither holds anywhere nor lost a conflict has no effect, and is named."""
    held = {(bid.ask.policy, bid.wish.slot) for rule in rules for one in rule.settled.values() for bid in one.parents}
    for ask in asks:
        for one in ask.routed:
            if not ask.default and (ask.policy, one.slot) not in held | court.lost:
                name = f"{ask.service.label}"
                message = f"{one.leaf.path} of {ask.policy} has no effect on {name}: every route there sets its own"
                court.notes.find(warning("leaf-without-effect", message, one.leaf.position, "", ask.policy))
